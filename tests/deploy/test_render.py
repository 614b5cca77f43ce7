"""Manifests: what they say is the plan, what they cannot say is refused, and nothing that is put in gets out."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner

from planner.catalog import load_catalog
from planner.cli.memory_training import OPTIMIZERS
from planner.cli.render import TARGETS as CLI_TARGETS
from planner.cli.render import render as command
from planner.deploy.launch import Ref
from planner.deploy.render import manifest
from planner.deploy.targets import TARGETS
from planner.deploy.training import kubernetes_name, launch_of
from planner.errors import InputError
from planner.plan import Estimate, RunProof, TrainingDeployment, TrainingPlan
from planner.plan_io import plan_to_dict
from planner.scenario import scenario_from_data
from planner.solve import solve

CATALOG = load_catalog()
CLUSTER = {"IMAGE": "registry.example/train:1", "CLAIM": "runs"}


def plan_of(**given):
    """Return a plan of a training run: Llama 3.1 8B on two nodes of eight GPUs, unless ``given`` says otherwise."""
    base = {
        "service": "run", "model": "meta-llama/Llama-3.1-8B-Instruct", "weights": "mixed", "kv_cache": "none",
        "engine": "torch", "accelerator": "h100-sxm", "offer": "aws/p5.48xlarge/us-east-1", "provider": "aws",
        "region": "us-east-1", "pricing": "on-demand", "tensor_parallel": 1, "pipeline_parallel": 1,
        "expert_parallel": 1, "gpus_per_replica": 1, "replicas": 16, "instances": 2, "gpus_per_instance": 8, "gpus": 16,
        "batch_per_replica": 2, "method": "full", "optimizer": "adamw", "sharding": "zero1", "checkpointing": "full",
        "accumulation": 4, "sequence_length": 8192,
    }  # fmt: skip
    made = TrainingDeployment(**{**base, **given})
    return TrainingPlan(
        scenario="two-nodes",
        deployments=(made,),
        estimates=(Estimate("expected_failures", 4.0, ""),),
        margins=(),
        cost_usd_per_hour=100.0,
        cost_usd_per_month=73_000.0,
        proof=RunProof("optimal", "cp-sat", 1, 1, 0.0, 1, 1, True),
        run_hours=50.0,
        run_usd=5000.0,
        steps=1200,
        checkpoint_steps=75,
    )


PLANS = {
    "trl-deepspeed": plan_of(),
    "trl-fsdp": plan_of(weights="mixed-fp32-weights", sharding="hsdp", shard_group=8, loss="fused-linear"),
    "trl-offload": plan_of(
        sharding="ddp", replicas=1, gpus=1, gpus_per_instance=1, instances=1, offload="all", checkpointing="offloaded"
    ),
    "trl-qlora": plan_of(
        method="qlora", weights="nf4", rank=64, optimizer="paged-adamw-8bit", sharding="fsdp", flash_attention=False
    ),
    "megatron-pipeline": plan_of(
        engine="megatron", weights="mixed-fp32-gradients", model="meta-llama/Llama-3.1-70B-Instruct", replicas=1,
        tensor_parallel=8, pipeline_parallel=2, gpus_per_replica=16, schedule="interleaved", virtual_stages=4,
        checkpointing="selective", flash_attention=False,
    ),
    "megatron-mixture": plan_of(
        engine="megatron", model="mistralai/Mixtral-8x7B-v0.1", sharding="hsdp", shard_group=8, context_parallel=2,
        replicas=8, gpus_per_replica=2, expert_parallel=8, offload="none", checkpointing="none",
    ),
}  # fmt: skip


def words(plan, inputs):
    """Return the command line that a plan means, inputs filled in."""
    launch = launch_of(plan, plan.deployments[0], CATALOG, None)
    return [inputs[word.name] + word.suffix if isinstance(word, Ref) else word for word in launch.tokens()]


def given_for(plan, **more):
    launch = launch_of(plan, plan.deployments[0], CATALOG, None)
    return {item.name: f"/in/{item.name.lower()}" for item in launch.inputs} | more


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("target", TARGETS)
def test_golden(name, target, golden):
    ending = {"torchrun": "sh", "pytorchjob": "yaml"}[target]
    inputs = CLUSTER if target == "pytorchjob" else {"LR": "2e-5"}
    golden(f"deploy/{name}.{ending}", manifest(PLANS[name], target, CATALOG, inputs=inputs))


def test_no_golden_file_is_left_over(root):
    found = {path.name for path in (root / "tests" / "golden" / "deploy").iterdir()}
    assert found == {f"{name}.{ending}" for name in PLANS for ending in ("sh", "yaml")}


def run_script(text, tmp_path, environment):
    """Run a script with a torchrun that writes down its arguments; return (exit code, arguments, stderr, files)."""
    stub = tmp_path / "bin" / "torchrun"
    stub.parent.mkdir(exist_ok=True)
    stub.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/args\n"
        f'[ -z "$FILES" ] || cp -r "$FILES" {tmp_path}/files\nenv > {tmp_path}/env\n'
    )
    stub.chmod(0o755)
    script = tmp_path / "run.sh"
    script.write_text(text.replace("FILES=$(mktemp -d)", "export FILES=$(mktemp -d)"))
    path = f"{stub.parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", str(script)], env={"PATH": path, **environment}, capture_output=True, text=True, check=False
    )
    arguments = (tmp_path / "args").read_text().splitlines() if (tmp_path / "args").exists() else []
    return ran.returncode, arguments, ran.stderr


@pytest.mark.parametrize("name", PLANS)
def test_the_script_starts_what_the_plan_means(name, tmp_path):
    plan = PLANS[name]
    inputs = given_for(plan)
    code, arguments, errors = run_script(
        manifest(plan, "torchrun", CATALOG), tmp_path, {**inputs, "HEAD": "node-0", "TMPDIR": str(tmp_path)}
    )
    assert code == 0, errors
    made = plan.deployments[0]
    launcher = arguments[: len(arguments) - len(words(plan, {**inputs, "FILES": ""}))]
    assert launcher[launcher.index("--nproc-per-node") + 1] == str(made.gpus_per_instance)
    assert launcher[-2:] == ["--max-restarts", "11"]
    if made.instances > 1:
        assert launcher[launcher.index("--nnodes") + 1] == str(made.instances)
        assert launcher[launcher.index("--rdzv-endpoint") + 1] == "node-0:29500"
    found = [re.sub(r"^.*/tmp\.[A-Za-z0-9]+/", "/", word) for word in arguments[len(launcher) :]]
    assert found == words(plan, {**inputs, "FILES": ""})
    for file in ("sft.py", "deepspeed.json"):
        if any(word.endswith(file) for word in found):
            text = (tmp_path / "files" / file).read_text()
            compile(text, file, "exec") if file.endswith("py") else json.loads(text)
    assert not list(tmp_path.glob("tmp.*")), "the script takes its files away"


@pytest.mark.parametrize("name", PLANS)
def test_the_script_asks_for_what_it_was_not_given(name, tmp_path):
    code, arguments, errors = run_script(manifest(PLANS[name], "torchrun", CATALOG), tmp_path, {})
    assert code != 0
    assert arguments == []
    first = "MEGATRON" if name.startswith("megatron") else "MODEL"
    assert errors.startswith(f"{first} is not set: ")


def documents(text):
    return {item["kind"]: item for item in yaml.safe_load_all(text)}


@pytest.mark.parametrize("name", PLANS)
def test_the_job_is_a_pytorchjob_that_starts_the_same(name):
    """kubeflow.org/v1: the operator wants replicas Master and Worker whose container is called pytorch."""
    plan = PLANS[name]
    made = plan.deployments[0]
    found = documents(manifest(plan, "pytorchjob", CATALOG, inputs=CLUSTER))
    job = found["PyTorchJob"]
    assert job["apiVersion"] == "kubeflow.org/v1"
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", job["metadata"]["name"])
    assert all(isinstance(value, str) for value in job["metadata"]["annotations"].values())
    spec = job["spec"]
    assert spec["nprocPerNode"] == str(made.gpus_per_instance)
    assert spec["runPolicy"]["cleanPodPolicy"] in ("None", "Running", "All")
    assert spec["runPolicy"]["backoffLimit"] == 11
    replicas = spec["pytorchReplicaSpecs"]
    assert set(replicas) == ({"Master", "Worker"} if made.instances > 1 else {"Master"})
    assert replicas["Master"]["replicas"] == 1
    assert sum(item["replicas"] for item in replicas.values()) == made.instances
    for item in replicas.values():
        assert item["restartPolicy"] in ("Always", "OnFailure", "Never", "ExitCode")
        pod = item["template"]["spec"]
        (container,) = pod["containers"]
        assert (container["name"], container["image"]) == ("pytorch", CLUSTER["IMAGE"])
        assert container["resources"]["limits"] == {"nvidia.com/gpu": made.gpus_per_instance}
        assert pod["nodeSelector"] == {"node.kubernetes.io/instance-type": "p5.48xlarge"}
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod["volumes"]}
        assert {"shm", "storage"} <= mounts
        names = re.findall(r"\$\((\w+)\)", " ".join(container["args"]))
        filled = {name: f"<{name}>" for name in names}
        expanded = [re.sub(r"\$\((\w+)\)", r"<\1>", word) for word in container["args"]]
        assert [*container["command"], *expanded] == ["torchrun", *words(plan, filled)]
        own = {entry["name"] for entry in container.get("env", ())}
        assert set(names) - own - {"FILES"} <= set(given_for(plan))
        assert container["envFrom"] == [{"configMapRef": {"name": "two-nodes-inputs"}}]
    if "ConfigMap" in found:
        compile(found["ConfigMap"]["data"]["sft.py"], "sft.py", "exec")
        files = set(found["ConfigMap"]["data"])
        assert {word.split("/")[-1] for word in container["args"] if word.startswith("$(FILES)")} == files


def test_what_is_given_needs_no_config_map():
    plan = PLANS["trl-deepspeed"]
    job = documents(manifest(plan, "pytorchjob", CATALOG, inputs=given_for(plan, **CLUSTER)))["PyTorchJob"]
    (container,) = job["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["containers"]
    assert "envFrom" not in container
    assert {"name": "LR", "value": "/in/lr"} in container["env"]


NASTY = "a\"; touch hacked; echo \"$(touch hacked)`touch hacked` 'x'\nmore: {{ 7*7 }} $(HOME)"


def test_what_is_put_into_a_script_stays_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = replace(PLANS["trl-deepspeed"], scenario=NASTY)
    text = manifest(plan, "torchrun", CATALOG, inputs=given_for(plan, LR=NASTY))
    code, arguments, errors = run_script(text, tmp_path, {"HEAD": "node-0", "TMPDIR": str(tmp_path)})
    assert code == 0, errors
    assert not (tmp_path / "hacked").exists()
    assert NASTY in "\n".join(arguments)


def test_what_is_put_into_a_job_stays_a_scalar():
    plan = replace(PLANS["trl-deepspeed"], scenario=NASTY)
    job = documents(manifest(plan, "pytorchjob", CATALOG, inputs=given_for(plan, **{**CLUSTER, "LR": NASTY})))
    (container,) = job["PyTorchJob"]["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    value = next(entry["value"] for entry in container["env"] if entry["name"] == "LR")
    assert value.replace("$$(", "$(") == NASTY
    assert "$$(HOME)" in value, "the kubelet would expand it"
    assert job["PyTorchJob"]["metadata"]["annotations"]["planner/scenario"] == NASTY


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"checkpointing": "selective"}, "TRL cannot be told: checkpointing 'selective'"),
        ({"loss": "chunked"}, "set search.loss to one of standard, fused-linear"),
        ({"optimizer": "muon"}, "TRL cannot be told: optimizer 'muon'"),
        ({"weights": "fp8"}, "precision 'fp8'"),
        ({"optimizer_in_backward": True}, "an optimizer in the backward pass"),
        ({"sharding": "hsdp", "shard_group": 8}, "hybrid sharding with a master copy"),
        ({"weights": "bf16", "sharding": "zero1"}, "sharding zero1 with precision bf16"),
        ({"weights": "bf16", "sharding": "hsdp", "shard_group": 4}, "groups of 4 on nodes of 8"),
        ({"weights": "bf16", "sharding": "ddp", "offload": "optimizer"}, "an optimizer in host memory alone"),
        ({"method": "lora", "weights": "fp8-e4m3"}, "frozen weights 'fp8-e4m3'"),
        ({"engine": "megatron", "method": "lora", "weights": "bf16"}, "Megatron-LM cannot be told: method lora"),
        ({"engine": "megatron", "weights": "bf16"}, "precision 'bf16'"),
        ({"engine": "megatron", "optimizer": "adafactor"}, "optimizer 'adafactor'"),
        ({"engine": "megatron", "schedule": "gpipe"}, "schedule gpipe"),
        ({"engine": "megatron", "sharding": "fsdp", "pipeline_parallel": 2}, "sharding fsdp in a pipeline"),
        ({"engine": "megatron", "offload": "all"}, "weights in host memory"),
        (
            {"engine": "megatron", "offload": "optimizer", "sharding": "fsdp"},
            "an offloaded optimizer with sharding fsdp",
        ),
        ({"engine": "megatron", "model": "deepseek-ai/DeepSeek-V2-Lite"}, "not all attention and a gated"),
        ({"accelerator": "nothing"}, "no device plugin"),
        ({"sequence_length": 0}, "does not say how the run is laid out"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_way_out(given, message):
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        manifest(plan_of(**given), "torchrun", CATALOG)
    assert "help: " in str(raised.value) or "accelerator" in given


def test_everything_that_cannot_be_said_is_told_at_once():
    with pytest.raises(InputError) as raised:
        manifest(plan_of(optimizer="muon", checkpointing="selective", loss="chunked"), "torchrun", CATALOG)
    assert len(raised.value.diagnostics) == 3


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"lr": "1"}, "must be a name of capitals"),
        ({"SPEED": "1"}, "has no such input; it has MODEL, DATASET, OUTPUT, LR"),
    ],
)
def test_inputs_that_nothing_takes_are_refused(inputs, message):
    with pytest.raises(InputError, match=message):
        manifest(PLANS["trl-fsdp"], "torchrun", CATALOG, inputs=inputs)


@pytest.mark.parametrize("missing", CLUSTER)
def test_a_job_needs_an_image_and_a_claim(missing):
    with pytest.raises(InputError, match=f"pytorchjob needs --input {missing}="):
        manifest(PLANS["trl-fsdp"], "pytorchjob", CATALOG, inputs={**CLUSTER, missing: ""})


def test_a_plan_that_serves_is_refused():
    plan = solve(
        scenario_from_data(
            {
                "name": "chat",
                "model": "Qwen/Qwen3-8B",
                "workload": {"input_tokens": 500, "output_tokens": 100, "concurrency": 4},
                "search": {"accelerators": ["h100-sxm"], "providers": ["lambda"]},
            }
        ),
        alternatives=0,
    )
    with pytest.raises(InputError, match="the plan serves requests"):
        manifest(plan, "torchrun", CATALOG)


@pytest.mark.parametrize("vendor", [("mi300x", "amd.com/gpu"), ("gaudi3", "habana.ai/gaudi")])
def test_each_vendor_has_its_resource(vendor):
    device, resource = vendor
    text = manifest(plan_of(accelerator=device, offer="x/y/z", provider="x"), "pytorchjob", CATALOG, inputs=CLUSTER)
    spec = documents(text)["PyTorchJob"]["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]
    assert list(spec["containers"][0]["resources"]["limits"]) == [resource]
    assert "nodeSelector" not in spec, "this provider's nodes are not known to carry their type"


def test_names_are_those_of_kubernetes():
    for text in ("70B QLoRA!", "-", "x" * 200, "训练", "a." * 60):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?", kubernetes_name(text)), text


def test_the_command_knows_the_targets_and_their_optimizers():
    assert tuple(TARGETS) == CLI_TARGETS
    from planner.deploy import megatron, transformers

    assert set(megatron._OPTIMIZERS) | set(transformers._OPTIMIZERS) <= set(OPTIMIZERS)


SCENARIO = """\
name: small
model: meta-llama/Llama-3.2-1B-Instruct
workload: {kind: training, method: full, tokens: 1B, sequence_length: 2Ki, global_batch: 64}
search: {accelerators: [h100-sxm], providers: [aws], gpus: 8, tensor_parallel: 2, sharding: zero1, checkpointing: full}
"""


def test_a_scenario_and_its_plan_render_the_same(tmp_path):
    (tmp_path / "small.yaml").write_text(SCENARIO)
    arguments = ["--target", "torchrun"]
    one = CliRunner().invoke(command, [str(tmp_path / "small.yaml"), *arguments])
    assert one.exit_code == 0, one.output
    assert "--tensor-model-parallel-size 2" in one.output
    from planner.scenario import load_scenario

    plan = solve(load_scenario(tmp_path / "small.yaml"))
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_dict(plan)))
    two = CliRunner().invoke(command, [str(tmp_path / "plan.json"), *arguments])
    three = CliRunner().invoke(command, ["-", *arguments], input=SCENARIO)
    assert one.output == two.output == three.output


def test_settings_reach_the_scenario_and_not_a_plan(tmp_path):
    (tmp_path / "small.yaml").write_text(SCENARIO)
    asked = [str(tmp_path / "small.yaml"), "--target", "torchrun", "--set", "search.tensor_parallel=4"]
    assert "--tensor-model-parallel-size 4" in CliRunner().invoke(command, asked).output
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_dict(PLANS["trl-fsdp"])))
    for source, text in ((str(tmp_path / "plan.json"), None), ("-", SCENARIO)):
        found = CliRunner().invoke(command, [source, "--target", "torchrun", "--set", "name=x"], input=text)
        assert found.exit_code == 2
        assert "--set changes a scenario" in found.output


def test_a_wrong_input_is_a_usage_error(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_dict(PLANS["trl-fsdp"])))
    found = CliRunner().invoke(command, [str(tmp_path / "plan.json"), "--target", "torchrun", "--input", "LR"])
    assert found.exit_code == 2
    assert "is no NAME=VALUE" in found.output
