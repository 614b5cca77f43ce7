"""The candidates of a training run: offers x GPUs x sharding x degrees x schedule x micro-batch x savings of memory."""

from planner.candidates.training.evaluation import TrainingTable, evaluate_training

__all__ = ["TrainingTable", "evaluate_training"]
