import pytest

from dsl.search import budget as budget_module
from dsl.search.budget import Budget, Meter


def test_with_nodes_the_clock_is_not_read(monkeypatch):
    meter = Meter(Budget(seconds=1e-9, nodes=100))
    monkeypatch.setattr(budget_module.time, "monotonic", lambda: pytest.fail("the clock was read"))
    assert not meter.exhausted
    meter.spend(99)
    assert meter.share_left == pytest.approx(0.01)
    meter.spend(1)
    assert meter.exhausted


def test_without_nodes_the_clock_decides(monkeypatch):
    meter = Meter(Budget(seconds=10.0), started=100.0)
    monkeypatch.setattr(budget_module.time, "monotonic", lambda: 104.0)
    meter.spend(10**9)
    assert meter.share_left == pytest.approx(0.6)
    monkeypatch.setattr(budget_module.time, "monotonic", lambda: 111.0)
    assert meter.exhausted


def test_a_slice_bounds_a_share_of_what_is_left():
    meter = Meter(Budget(seconds=1, nodes=1000))
    meter.spend(200)
    part = meter.slice(0.5)
    assert part.budget.nodes == 400
    part.spend(400)
    assert part.exhausted
    assert not meter.exhausted


def test_a_slice_of_an_exhausted_meter_still_has_one_node():
    meter = Meter(Budget(seconds=1, nodes=10))
    meter.spend(10)
    assert meter.slice(1.0).budget.nodes == 1
