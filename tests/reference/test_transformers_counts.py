"""Every decoder of transformers: the count of its default config, built on the meta device, against ours.

``transformers_oracle.py`` wrote the figures. What differs says that it is estimated, but for the types named here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.architecture import count_parameters, parse_config
from planner.errors import ArchitectureError

ROWS: dict[str, tuple[int, dict]] = {
    name: (total, config)
    for name, total, config in json.loads(
        Path(__file__).with_name("transformers_counts.json").read_text(encoding="utf-8")
    )
}

DIFFERENT = {
    # The default config has an image token beyond its vocabulary. Published ones have rows for it, and so have we.
    "llava": 0.001,
    "llava_next": 0.001,
    "llava_next_video": 0.001,
    "vipllava": 0.001,
    # transformers allocates weights for the 256 experts that pass their input on; the checkpoint has none.
    "longcat_flash": 0.25,
    # A tower that is known, behind a projector of its own.
    "hyperclovax_vision_v2": 0.002,
}
"""Types that differ without saying that they are estimated, with the bound of the difference."""

REFUSED = {
    "blt": "hidden_size",  # bytes in patches: three models in one, no layers of its own
    "rwkv": "num_attention_heads",  # no engine here serves it
    "glm4_moe": "num_attention_heads",  # the default's 96 heads do not divide 4096; published configs state head_dim
    "glm4v_moe": "num_attention_heads",
    "qwen3_omni_moe_thinker": "num_attention_heads",
}
"""Types whose default config is refused, and the field that the message names."""


def test_the_set_is_large():
    assert len(ROWS) > 200


@pytest.mark.parametrize("name", sorted(set(ROWS) - set(REFUSED)))
def test_default_config_is_counted(name):
    total, config = ROWS[name]
    architecture = parse_config(config, id=name)
    counted = count_parameters(architecture).total
    if name in DIFFERENT:
        assert counted != total
        assert counted == pytest.approx(total, rel=DIFFERENT[name])
    elif counted != total:
        assert architecture.estimated, f"{counted - total:+,} of {total:,} without a word"
        assert architecture.notes


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_names_the_field(name):
    with pytest.raises(ArchitectureError, match=REFUSED[name]):
        parse_config(ROWS[name][1], id=name)


def test_most_types_are_exact():
    exact = 0
    for name, (total, config) in ROWS.items():
        if name not in REFUSED:
            exact += count_parameters(parse_config(config, id=name)).total == total
    assert exact >= 145
