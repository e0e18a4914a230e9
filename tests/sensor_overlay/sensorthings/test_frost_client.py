"""FROST's own Python client against the running server: what it makes, it finds, changes and deletes."""

from __future__ import annotations

import frost_sta_client as fsc
import jsonpatch
import pytest
from frost_sta_client.model.ext.data_array_document import DataArrayDocument
from frost_sta_client.model.ext.data_array_value import DataArrayValue
from geojson import Point

from tests.sensor_overlay.sensorthings.running import RunningServer

# The client's own: it calls what furl has given up.
pytestmark = pytest.mark.filterwarnings("ignore:furl.pathstr is deprecated:DeprecationWarning")


def service_of(running: RunningServer) -> fsc.SensorThingsService:
    auth = fsc.AuthHandler(username="anybody", password=running.writer)
    return fsc.SensorThingsService(running.url, auth_handler=auth)


def a_thing() -> fsc.Thing:
    place = fsc.Location("Schule", "Nordstraße 1", "application/geo+json", location=Point((6.68, 51.2)))
    unit = fsc.UnitOfMeasurement("Teile je Million", "ppm", "https://ucum.org/ucum#%5Bppm%5D")
    sensor = fsc.Sensor("ERS CO2", "Elsys", "application/pdf", metadata="https://e.example/ers.pdf")
    observed = fsc.ObservedProperty("CO2", "https://d.example/co2", "Kohlendioxid")
    datastream = fsc.Datastream(
        "CO2 R 101",
        "CO2 in R 101",
        "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit,
        sensor=sensor,
        observed_property=observed,
    )
    return fsc.Thing("R 101", "Raum", {"school": "S01", "room": "R 101"}, locations=[place], datastreams=[datastream])


def test_what_the_client_makes_it_finds_changes_and_deletes(running: RunningServer) -> None:
    service = service_of(running)
    thing = a_thing()
    service.create(thing)
    found = service.things().find(thing.id)
    assert (found.name, found.properties) == ("R 101", {"school": "S01", "room": "R 101"})

    [datastream] = found.get_datastreams().query().expand("Sensor,ObservedProperty,Thing").list()
    assert datastream.sensor.name == "ERS CO2"
    assert datastream.observed_property.definition == "https://d.example/co2"
    assert datastream.thing.id == thing.id
    assert datastream.unit_of_measurement.symbol == "ppm"

    observation = fsc.Observation(phenomenon_time="2026-11-20T08:15:00Z", result=776, datastream=datastream)
    service.create(observation)
    [again] = service.observations().query().filter(f"Datastream/id eq {datastream.id}").list()
    assert (again.result, again.id) == (776, observation.id)

    found.name = "R 102"
    service.update(found)
    assert service.things().find(thing.id).name == "R 102"
    service.patch(found, jsonpatch.JsonPatch([{"op": "replace", "path": "/properties/school", "value": "S02"}]))
    assert service.things().find(thing.id).properties == {"school": "S02", "room": "R 101"}

    service.delete(found)
    with pytest.raises(Exception, match="404"):
        service.things().find(thing.id)
    assert list(service.observations().query().list()) == []
    assert len(list(service.locations().query().list())) == 1  # a place stays when its thing goes


def test_the_client_walks_through_all_pages(running: RunningServer) -> None:
    service = service_of(running)
    thing = a_thing()
    service.create(thing)
    [datastream] = service.datastreams().query().list()
    rows = DataArrayValue()
    rows.datastream = datastream
    rows.components = [
        DataArrayValue.Property.PHENOMENON_TIME,
        DataArrayValue.Property.RESULT,
    ]
    for minute in range(25):
        rows.add_observation(fsc.Observation(phenomenon_time=f"2026-11-20T08:{minute:02}:00Z", result=minute * 1.5))
    document = DataArrayDocument()
    document.value = [rows]
    made = service.observations().create(document)
    assert len(made) == 25

    query = service.observations().query().top(10).count().orderby("phenomenonTime", "desc")
    listed = query.list()
    assert listed.count == 25
    assert [observation.result for observation in listed] == [minute * 1.5 for minute in reversed(range(25))]
    newest = service.datastreams().query().expand("Observations($orderby=phenomenonTime desc;$top=1)").list().get(0)
    assert [observation.result for observation in newest.observations.entities] == [36.0]
    # Asked for more, it follows the link to the rest within the expansion.
    assert [observation.result for observation in newest.observations] == [
        minute * 1.5 for minute in reversed(range(25))
    ]
