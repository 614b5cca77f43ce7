"""The candidates of a training run: offers x GPUs x sharding x TP x PP x EP x micro-batch x checkpointing."""

from planner.candidates.training.evaluation import TrainingTable, evaluate_training

__all__ = ["TrainingTable", "evaluate_training"]
