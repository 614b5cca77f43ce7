"""Supervised fine-tuning with TRL that goes on from its last checkpoint."""

from pathlib import Path

from datasets import load_dataset
from transformers.trainer_utils import get_last_checkpoint
from trl import (
    ModelConfig,
    ScriptArguments,
    SFTConfig,
    SFTTrainer,
    TrlParser,
    get_kbit_device_map,
    get_peft_config,
    get_quantization_config,
)

script, training, model = TrlParser((ScriptArguments, SFTConfig, ModelConfig)).parse_args_and_config()
training.model_init_kwargs = {"attn_implementation": model.attn_implementation, "dtype": model.dtype}
quantization = get_quantization_config(model)
if quantization is not None:
    training.model_init_kwargs |= {"device_map": get_kbit_device_map(), "quantization_config": quantization}
trainer = SFTTrainer(
    model=model.model_name_or_path,
    args=training,
    train_dataset=load_dataset(script.dataset_name)[script.dataset_train_split],
    peft_config=get_peft_config(model),
)
last = get_last_checkpoint(training.output_dir) if Path(training.output_dir).is_dir() else None
trainer.train(resume_from_checkpoint=last)
trainer.save_model(training.output_dir)
