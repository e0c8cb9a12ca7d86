//! Order of arrival: it does not matter. The same events end in the same row, and nobody is told what is outdated.

use harness::system::{esim_access, seconds_from_now};
use harness::{Setup, System};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use samples::Source;
use serde_json::{Value, json};

const PERMUTATIONS: u64 = 24;
pub(crate) const ICCID: &str = "8943108170001029645";

/// A real life: bought, downloaded, installed, used, topped up, used up.
pub(crate) fn life(order: &str) -> Vec<Vec<u8>> {
    let at = |minute: u32| format!("2026-04-02T{:02}:{:02}:00Z", 6 + minute / 60, minute % 60);
    let event = |kind: &str, minute: u32, mut content: Value| {
        if kind != "ORDER_STATUS" {
            content["iccid"] = json!(ICCID);
        }
        esim_access(kind, order, &at(minute), content)
    };
    let profile = |status: &str, number: u32| json!({ "esimStatus": "GOT_RESOURCE", "smdpStatus": status, "eid": "8904", "seqNumber": number });
    let plan = |status: &str| json!({ "esimStatus": status, "smdpStatus": "ENABLED" });
    let usage = |total: u64, used: u64, minute: u32| json!({ "totalVolume": total, "orderUsage": used, "lastUpdateTime": at(minute) });
    vec![
        event("ORDER_STATUS", 0, json!({ "orderStatus": "GOT_RESOURCE" })),
        event("SMDP_EVENT", 10, profile("DOWNLOAD", 1)),
        event("SMDP_EVENT", 11, profile("INSTALLATION", 2)),
        event("SMDP_EVENT", 12, profile("ENABLED", 3)),
        event("ESIM_STATUS", 20, plan("IN_USE")),
        event("DATA_USAGE", 90, usage(1000, 500, 60)),
        event("DATA_USAGE", 150, usage(1000, 800, 120)),
        event("ESIM_STATUS", 200, plan("USED_UP")),
        event("ESIM_STATUS", 300, plan("IN_USE")),
        event("DATA_USAGE", 400, usage(2000, 1200, 390)),
        event(
            "VALIDITY_USAGE",
            500,
            json!({
                "durationUnit": "DAY", "totalDuration": 30, "remain": 1, "expiredTime": "2026-05-02T06:20:00Z",
            }),
        ),
    ]
}

/// A row without what names it and when we heard of it.
fn meaning(mut row: Value) -> Value {
    for name in ["order_ref", "esim_ref", "created_at", "updated_at", "blocks"] {
        row[name].take();
    }
    row
}

#[tokio::test]
async fn any_order_of_a_life_ends_in_the_same_row() {
    let system = Setup::default().workers(3).start().await;
    let first_seed = rand::random_range(0..1_000_000);
    println!("seeds {first_seed} to {}", first_seed + PERMUTATIONS - 1);
    for body in life("in-order") {
        system.accept(Source::EsimAccess, body).await;
    }
    for seed in first_seed..first_seed + PERMUTATIONS {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bodies = life(&format!("seed-{seed}"));
        // One of them comes twice.
        let twice = bodies[random.random_range(0..bodies.len())].clone();
        bodies.push(twice);
        bodies.shuffle(&mut random);
        for body in bodies {
            system.accept(Source::EsimAccess, body).await;
        }
    }
    system.settled().await;
    let expected = meaning(system.esim(Source::EsimAccess, &format!("in-order/{ICCID}")).await);
    assert_eq!(expected["plan_status"], "active");
    assert_eq!(expected["profile_status"], "enabled");
    assert_eq!((&expected["total_bytes"], &expected["used_bytes"]), (&json!(2000), &json!(1200)));
    let order = meaning(system.order(Source::EsimAccess, "in-order").await);
    assert_eq!(order["status"], "completed");
    for seed in first_seed..first_seed + PERMUTATIONS {
        let esim = system.esim(Source::EsimAccess, &format!("seed-{seed}/{ICCID}")).await;
        assert_eq!(meaning(esim), expected, "seed {seed}");
        assert_eq!(meaning(system.order(Source::EsimAccess, &format!("seed-{seed}")).await), order, "seed {seed}");
    }
    system.finish().await;
}

fn usage(used: u64, at: i64) -> Vec<u8> {
    let content = json!({
        "iccid": ICCID, "totalVolume": 1000, "orderUsage": used, "lastUpdateTime": seconds_from_now(at),
    });
    esim_access("DATA_USAGE", "B1", &seconds_from_now(at), content)
}

async fn warned_of(system: &System) -> Vec<Value> {
    let told = system.merchant().received().await;
    told.iter().filter(|told| told.kind() == "low_data").map(|told| told.body["data"]["used_percent"].clone()).collect()
}

#[tokio::test]
async fn each_threshold_is_told_as_it_is_reached() {
    let system = Setup::default().merchant().start().await;
    for (used, at) in [(500, -60), (600, -50), (800, -40), (850, -30)] {
        system.accept(Source::EsimAccess, usage(used, at)).await;
        system.settled().await;
    }
    assert_eq!(warned_of(&system).await, [json!(50), json!(80)]);
    system.finish().await;
}

#[tokio::test]
async fn a_threshold_below_one_that_was_told_is_not_told() {
    let system = Setup::default().merchant().start().await;
    for (used, at) in [(800, -40), (500, -60)] {
        system.accept(Source::EsimAccess, usage(used, at)).await;
        system.settled().await;
    }
    assert_eq!(warned_of(&system).await, [json!(80)]);
    system.finish().await;
}

#[tokio::test]
async fn a_top_up_re_arms_the_warnings() {
    let system = Setup::default().merchant().start().await;
    system.accept(Source::EsimAccess, usage(800, -60)).await;
    system.settled().await;
    let content = json!({
        "iccid": ICCID, "totalVolume": 4000, "orderUsage": 3200, "lastUpdateTime": seconds_from_now(-30),
    });
    system.accept(Source::EsimAccess, esim_access("DATA_USAGE", "B1", &seconds_from_now(-30), content)).await;
    system.settled().await;
    assert_eq!(warned_of(&system).await, [json!(80), json!(80)]);
    system.finish().await;
}

#[tokio::test]
async fn contradicting_finals_without_times_end_the_same_and_want_review() {
    let system = System::start().await;
    let result = |order: &str, result: &str| json!({ "orderNo": order, "result": result }).to_string();
    for (order, results) in [("1", ["COMPLETED", "FAILED"]), ("2", ["FAILED", "COMPLETED"])] {
        for word in results {
            system.accept(Source::Yoni, result(order, word)).await;
            system.applied().await;
        }
    }
    system.settled().await;
    for order in ["1", "2"] {
        let row = system.order(Source::Yoni, order).await;
        assert_eq!((&row["status"], &row["needs_review"]), (&json!("completed"), &json!(true)), "{row:#}");
    }
    let actions = system.actions().await;
    assert_eq!(actions.iter().filter(|kind| *kind == "order_needs_review").count(), 2, "{actions:?}");
    system.finish().await;
}
