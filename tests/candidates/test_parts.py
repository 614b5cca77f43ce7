"""Every way to divide requests by size is there once, and its parts make the whole."""

from __future__ import annotations

import pytest

from planner.candidates.parts import WHOLE, divided
from planner.candidates.streams import streams_of
from planner.scenario import parse_scenario

TEXT = """
name: mixed
model: meta-llama/Llama-3.1-8B-Instruct
workload:
  {load}
  sizes:
    - {{input_tokens: 8k, output_tokens: 400, share: 20%}}
    - {{input_tokens: 200, output_tokens: 100, share: 50%}}
    - {{input_tokens: 2k, output_tokens: 200, share: 30%}}
sla: {{ttft_p95: 2s, tpot_p95: 50ms, output_tokens_per_second: 1000, availability: 99.9%}}
search: {{accelerators: l40s, pricing: on-demand, providers: aws}}
"""


@pytest.mark.parametrize("load", ["request_rate: 10/s", "concurrency: 100"])
def test_parts_of_every_way_make_the_whole(load: str) -> None:
    scenario = parse_scenario(TEXT.format(load=load))
    parts, ways = divided(scenario)
    assert len(parts) == 6  # ranges of three classes
    assert sorted(map(len, ways)) == [1, 2, 2, 3]
    assert parts[0] == (WHOLE, scenario)
    whole = scenario.workload
    for way in ways:
        mine = [parts[index] for index in way]
        assert sum(part.share for part, _ in mine) == pytest.approx(1)
        if whole.request_rate_per_s is not None:
            assert sum(it.workload.request_rate_per_s or 0 for _, it in mine) == pytest.approx(10)
        else:
            assert 100 <= sum(it.workload.concurrency or 0 for _, it in mine) <= 100 + len(way)
        sizes = [(item.input_tokens, item.output_tokens) for _, it in mine for item in it.workload.sizes]
        assert sorted(sizes) == [(200, 100), (2000, 200), (8000, 400)]
        assert all(sum(item.share for item in it.workload.sizes) == pytest.approx(1) for _, it in mine)


def test_labels_say_which_tokens_a_part_has() -> None:
    labels = {part.label for part, _ in divided(parse_scenario(TEXT.format(load="concurrency: 9")))[0]}
    assert labels == {
        "", "up to 300 tokens", "up to 2,200 tokens", "2,200 tokens", "2,200 tokens and more", "8,400 tokens and more",
    }  # fmt: skip


def test_a_service_of_one_size_is_not_divided() -> None:
    scenario = parse_scenario(
        TEXT.format(load="concurrency: 9").split("  sizes:")[0] + "  input_tokens: 1\n  output_tokens: 1\n"
    )
    assert divided(scenario) == (((WHOLE, scenario),), ((0,),))


def test_what_is_asked_of_the_service_is_asked_of_its_parts_together() -> None:
    streams = streams_of(parse_scenario(TEXT.format(load="request_rate: 10/s")))
    assert [len(way) for way in streams.choices[0]] == [1, 2, 2, 3]
    whole, *others = streams.streams
    for stream in others:
        # Throughput is told for the service; each part is up more often, so that all of them are up as often as asked.
        index = [item.id for item in stream.table.requirements].index("sla.output_tokens_per_second")
        actual = stream.table.requirements[index].actual(stream.table)
        assert actual.max() == pytest.approx(10 * (0.5 * 100 + 0.3 * 200 + 0.2 * 400), rel=1e-9)
        assert stream.part.of == 3
    assert whole.part == WHOLE
