"""Flights: what each of them earns, by one SQL for the mileage months and the status years."""

from __future__ import annotations

from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, name_inputs, name_policies
from transforms.engine.engine import Engine, Transform, load_transform
from transforms.policies.reference import Reference


def mileage(name: str) -> Transform:
    """A transform of the airline's."""
    return load_transform(f"mileage/{name}")


def name_flights(engine: Engine, context: Context, reference: Reference, inputs: Inputs) -> None:
    """Names the inputs, and what every flight among them earns, as `rated_flights` (by itself) and
    `flight_miles` (its member).

    The run's context is there already.
    """
    name_inputs(engine, inputs, context.state)
    engine.table("airports", reference.airport_rows)
    engine.table("published_distances", reference.distance_rows)
    name_policies(engine, context.policies, [mileage("routes"), mileage("rated_flights")])
    engine.create("routes", mileage("routes"))
    engine.view("rated_flights", mileage("rated_flights"))
    engine.view("flight_miles", mileage("flight_miles"))
