use std::collections::{BTreeMap, BTreeSet};

use samples::named;
use serde_json::Value as Json;

use super::*;
use crate::chaos::Chaos;
use crate::event::Event;
use crate::life::World;

fn events(source: samples::Source) -> impl Iterator<Item = Event> {
    let world = World {
        seed: 5,
        run: "a".to_owned(),
        base: "2026-05-01T12:00:00Z".parse().unwrap(),
        clocks: Chaos::NONE.clocks,
    };
    let of_source = move |number| (world.source(number) == source).then(|| world.life(number).events);
    (1..=600).filter_map(of_source).flatten()
}

fn json(event: &Event) -> Json {
    serde_json::from_slice(&event.body.bytes(event.at)).unwrap()
}

/// Every path of a body with the kind of what stands there; of a list only its first item.
fn shape(value: &Json, path: &str, shape: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Json::Object(fields) => {
            for (name, field) in fields {
                self::shape(field, &format!("{path}/{name}"), shape);
            }
            return;
        }
        Json::Array(items) => {
            items.iter().take(1).for_each(|item| self::shape(item, &format!("{path}/0"), shape));
            "list"
        }
        Json::String(_) => "text",
        Json::Number(_) => "number",
        Json::Bool(_) => "flag",
        Json::Null => "null",
    };
    shape.insert(path.to_owned(), kind);
}

type Shape = BTreeMap<String, &'static str>;

fn shapes(source: samples::Source) -> BTreeSet<Shape> {
    let of = |event: Event| {
        let mut of = Shape::new();
        shape(&json(&event), "", &mut of);
        of
    };
    events(source).map(of).collect()
}

/// For each sample, which is the documents' own, some message of `source` has just its shape.
#[track_caller]
fn check(source: samples::Source, names: &[&str]) {
    let shapes = shapes(source);
    for name in names {
        let name = format!("{}/{name}", source.provider());
        let mut documented = Shape::new();
        shape(&serde_json::from_str(named(&name).unwrap().body).unwrap(), "", &mut documented);
        let differ = |ours: &Shape| -> Vec<String> {
            let missing = documented.iter().filter(|(path, kind)| ours.get(*path) != Some(*kind));
            let extra = ours.iter().filter(|(path, _)| !documented.contains_key(*path));
            missing.chain(extra).map(|(path, kind)| format!("{path} ({kind})")).collect()
        };
        let nearest = shapes.iter().map(differ).min_by_key(Vec::len);
        assert_eq!(nearest, Some(Vec::new()), "no message of {source:?} has the shape of {name}");
    }
}

#[test]
fn each_message_has_the_shape_that_is_documented() {
    use samples::Source;
    let orders = ["async_order_root_request_id", "async_order_nested_request_id"];
    check(Source::Airalo, &orders);
    check(Source::Airalo, &["low_data_75_percent", "low_data_3days", "credit_limit"]);
    check(Source::Yoni, &["completed", "failed"]);
    check(Source::EsimAccess, &["order_status", "smdp_event_download", "esim_status_cancel", "esim_status_in_use"]);
    check(Source::EsimAccess, &["data_usage", "validity_usage", "order_status_2026", "smdp_event_enabled_2026"]);
    check(Source::EsimAccess, &["data_usage_2026", "validity_usage_2026"]);
    check(Source::SimplifyTrip, &["esim_order_success", "esim_order_fail", "sim_order_update", "return_update"]);
    check(Source::SimplifyTrip, &["return_approved"]);
    check(Source::Airtm, &["purchase_confirmed", "payout_completed"]);
    check(Source::AirtmV2, &["v2_payin_confirmed", "v2_payin_confirmed_bare"]);
}

#[test]
fn airalo_varies_where_its_documents_disagree() {
    let orders: Vec<_> = events(samples::Source::Airalo).map(|event| json(&event)).collect();
    let some = |pointer: &str, is: fn(&Json) -> bool| orders.iter().filter_map(|o| o.pointer(pointer)).any(is);
    for pointer in ["/request_id", "/data/request_id", "/sims/0/iccid"] {
        assert!(some(pointer, Json::is_string), "{pointer}");
    }
    assert!(some("/data/quantity", Json::is_string) && some("/data/quantity", Json::is_number));
    assert!(some("/data/price", Json::is_string) && some("/data/price", Json::is_number));
    assert!(some("/data/type", |kind| kind == "topup") && some("/data/pricing_model", Json::is_object));
    let slashes = events(samples::Source::Airalo).map(|event| String::from_utf8(event.body.bytes(event.at)).unwrap());
    assert!(slashes.filter(|body| body.contains("https:")).all(|body| body.contains("https:\\/\\/")), "as PHP writes");
}

#[test]
fn esim_access_writes_times_in_two_ways_and_leaves_them_out() {
    let bodies: Vec<_> = events(samples::Source::EsimAccess).map(|event| json(&event)).collect();
    let times: Vec<_> = bodies.iter().filter_map(|body| body["eventGenerateTime"].as_str()).collect();
    assert!(times.iter().any(|time| time.ends_with("+0000")) && times.iter().any(|time| time.ends_with('Z')));
    let without = |kind: &str| bodies.iter().any(|b| b["notifyType"] == kind && b.get("notifyId").is_none());
    assert!(without("ORDER_STATUS") && without("VALIDITY_USAGE") && !without("DATA_USAGE") && !without("SMDP_EVENT"));
    let ends = bodies.iter().filter(|body| body["notifyType"] == "VALIDITY_USAGE");
    let remains: BTreeSet<_> = ends.map(|body| body["content"]["remain"].to_string()).collect();
    assert!(["0", "1", "2", "3", "7"].iter().all(|days| remains.contains(*days)), "{remains:?}");
}

#[test]
fn what_a_message_says_is_what_its_body_holds() {
    for source in samples::Source::ALL {
        for event in events(source) {
            let body = String::from_utf8(event.body.bytes(event.at)).unwrap().replace("\\/", "/");
            for said in &event.meaning.said {
                let Value::Text(text) = &said.value else { continue };
                // Our words for what the provider says otherwise.
                let is_ours =
                    ["status", "product", "plan_status", "profile_status", "return_type", "currency", "direction"];
                let is_named = is_ours.contains(&said.column) || said.column == "provider_status";
                assert!(is_named || body.contains(text), "{}: {text} is not in {body}", said.column);
            }
        }
    }
}
