"""Every metric is declared in the metrics module, with a sentence as help text."""

import ast
from typing import Final

from prometheus_client.metrics import MetricWrapperBase
from samenspel.runtime import metrics

from tests.architecture.checkout import name, product_files

KINDS: Final = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
DECLARED: Final = {key: value for key, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}


def test_every_metric_has_a_help_sentence() -> None:
    sentences = {key: next(iter(metric.describe())).documentation for key, metric in DECLARED.items()}
    assert sentences
    assert [key for key, said in sentences.items() if len(said.split()) < 3 or not said[0].isupper()] == []


def test_every_metric_is_named_after_the_product() -> None:
    assert [
        key for key, each in DECLARED.items() if not next(iter(each.describe())).name.startswith("samenspel_")
    ] == []


def test_metrics_are_declared_nowhere_else() -> None:
    importing = {
        name(path)
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        if KINDS & {alias.name for alias in node.names}
    }
    assert importing == {"shared/samenspel/runtime/metrics.py"}
