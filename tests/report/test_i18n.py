"""Every message has its translation, no translation is left over, and sentences find their pattern."""

from __future__ import annotations

import ast
import string

import pytest

from planner.paths import data_dir
from planner.report.environment import environment
from planner.report.figures import LABELS
from planner.report.i18n import LANGUAGES, translator, translator_for
from planner.report.translation import CatalogTranslator, patterns
from planner.scenario import load_scenario

TRANSLATED = [language for language in LANGUAGES if language != "en"]


def messages_of_templates() -> set[str]:
    from jinja2 import nodes

    env = environment("en")
    found = set()
    for path in sorted(data_dir("templates").glob("*.j2")):
        for call in env.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and isinstance(call.args[0], nodes.Const):
                found.add(call.args[0].value)
    return found


def messages_of_code(root) -> set[str]:
    found = set()
    for path in sorted((root / "planner" / "report").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "say"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(root, language):
    wanted = messages_of_templates() | messages_of_code(root) | set(LABELS.values())
    assert len(wanted) > 60
    assert sorted(wanted - set(translator(language).words)) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_the_same_places(language):
    from planner.source import load_yaml

    catalog = load_yaml(data_dir("templates") / "messages" / f"{language}.yaml").data  # refuses duplicate keys
    for message, translation in (*catalog["words"].items(), *catalog["sentences"].items()):
        assert places(message) == places(translation), message


def test_english_says_the_message_itself():
    assert translator("en")("{n} requests at a time", n=3) == "3 requests at a time"
    assert translator("en").sentence("anything {at} all") == "anything {at} all"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="there are en, zh-CN"):
        translator("tlh")


def test_a_sentence_finds_the_most_specific_pattern_and_translates_what_it_quotes():
    sentences = {"{a} exceeds {b}": "{a}超过{b}", "{a} exceeds the budget": "{a}超出预算"}
    say = CatalogTranslator("xx", {"the rent": "租金"}, patterns(sentences))
    assert say.sentence("the rent exceeds the budget") == "租金超出预算"
    assert say.sentence("the rent exceeds 5 USD") == "租金超过5 USD"
    assert say.sentence("something else") == "something else"


def test_chinese_stands_apart_from_letters_and_figures():
    say = CatalogTranslator("zh-CN", {}, patterns({"{name} is at most {limit}": "{name}不高于{limit}"}))
    assert say.sentence("TTFT p95 is at most 2 s") == "TTFT p95 不高于 2 s"


def test_messages_of_rules_translate_with_their_values():
    say = CatalogTranslator(
        "xx", {}, patterns({"{offer.id} is {offer.age:.0f} days old, {offer.id}": "{offer.id}已有{offer.age:.0f}天"})
    )
    assert say.sentence("aws/p5 is 120 days old, aws/p5") == "aws/p5已有120天"
    assert say.sentence("aws/p5 is 120 days old, gcp/a3") == "aws/p5 is 120 days old, gcp/a3"


def test_lists_of_values_are_joined_as_the_language_does():
    say = translator("zh-CN").knowing({"{engine} does not run {format}": "{engine} 不支持 {format}"})
    assert say.sentence("SGLang or vLLM does not run fp8, fp16, ...") == "SGLang 或 vLLM 不支持 fp8、fp16、..."


def test_the_rules_of_a_scenario_speak_its_language(root):
    say = translator_for(load_scenario(root / "scenarios" / "70b-chat.yaml"), "zh-CN")
    assert (
        say.sentence("one replica: a failure or an update of it is an outage")
        == "只有一个副本：其故障或升级即意味着服务中断"
    )
    assert translator_for(None, "zh-CN") is translator("zh-CN")


def test_a_rule_is_translated_whole_before_a_phrase_that_it_contains(root):
    say = translator_for(load_scenario(root / "scenarios" / "70b-chat.yaml"), "zh-CN")
    told = say.sentence("a replica on 2 or 4 GPUs spans instances of 1 or 2, but TP 1 does not fill them")
    assert told == "每副本 2 或 4 张卡跨越 1 或 2 卡实例，但 TP 1 未填满实例"
    assert "has no" not in say.sentence("SGLang, TensorRT-LLM or vLLM has no fp8 KV cache on ada, ampere or hopper")
