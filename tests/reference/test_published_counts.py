"""Published sizes of models that are in no other test, to the last parameter.

``published_counts.json`` has rows of (id on the Hugging Face hub, elements in that checkpoint, of which buffers: the
routers' load-balancing biases, its config.json without what says nothing of the architecture). Multimodal models,
custom code and early configs are among them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.architecture import count_parameters, parse_config, resolve_model
from planner.catalog import load_catalog

PUBLISHED = json.loads(Path(__file__).with_name("published_counts.json").read_text(encoding="utf-8"))

WITH_MTP = [
    # id, tensors in the checkpoint, of which the routers' load-balancing biases, which are buffers
    ("zai-org/GLM-4.5", 358_337_791_296, 90 * 160),
    ("zai-org/GLM-4.5-Air", 110_468_824_832, 46 * 128),
]


@pytest.mark.parametrize(("name", "stored", "buffers", "config"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_total_is_the_published_one(name, stored, buffers, config):
    architecture = parse_config(config, id=name)
    assert count_parameters(architecture).total + buffers == stored
    assert not architecture.estimated


@pytest.mark.parametrize(("name", "stored", "buffers"), WITH_MTP)
def test_mtp_layers_make_up_the_rest_of_the_checkpoint(name, stored, buffers):
    count = count_parameters(resolve_model(name, catalog=load_catalog()))
    assert count.total + count.mtp + buffers == stored
