"""Training and fine-tuning: memory per GPU as terms, time, energy, checkpoints, restarts.

    memory = training_memory(architecture, setup)      # planner.training.memory
    time = training_time(architecture, setup, tokens, accelerator, gpus)   # planner.training.time

Everything is derived from the tensor inventory of ``planner.architecture``; what frameworks do differently stands as
data in ``planner.training.software``.
"""
