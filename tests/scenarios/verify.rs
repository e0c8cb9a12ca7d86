//! Verify: an operator can ask whether the tables are what the events say, while everything runs.

use std::process::Output;

use chrono::{SubsecRound as _, TimeDelta, Utc};
use harness::posting::envelope;
use harness::programs::binary;
use harness::system::esim_access;
use harness::{Setup, System, tables};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use samples::{ALL, Source, named, renewed};
use serde_json::{Value, json};
use shared::clock::Deadline;
use shared::envelope::{Envelope, Origin};
use shared::fact::EntityKey;
use shared::lookup::{Answer, Hints, Lookup, LookupKind};
use shared::rules::Rules;
use sqlx::AssertSqlSafe;
use worker::verify::{self, Report, VerifyArgs};

use crate::order::{ICCID, life};

/// What was checked, and what differs, sorted.
async fn verify(system: &System, seed: u64, partitions: u64) -> (Report, Vec<String>) {
    let args = VerifyArgs { seed: Some(seed), partitions: partitions.try_into().ok() };
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    let report = verify::verify(&system.pool, &Rules::default(), &args, &mut out, &mut progress).await.unwrap();
    let mut lines: Vec<_> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert!(String::from_utf8(progress).unwrap().contains(&format!("seed {seed}")));
    (report, lines)
}

/// The same as an operator does it.
async fn command(system: &System, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(binary("worker"));
    command.env_clear().env("DATABASE_URL", &system.database_url).arg("verify").args(arguments);
    command.output().await.unwrap()
}

fn own_event(source: Source, origin: Origin, body: &[u8]) -> Envelope {
    Envelope { origin, ..envelope(source, body) }
}

/// What a provider's API said, asked so many minutes from now.
pub(crate) fn answered(source: Source, about: EntityKey, minutes: i64, found: Option<Value>) -> Envelope {
    let kind = if matches!(about, EntityKey::Order(_)) { LookupKind::Order } else { LookupKind::Payment };
    let asked_at = Utc::now().trunc_subsecs(6) + TimeDelta::minutes(minutes);
    let answer = Answer { asked: Lookup { about, kind, hints: Hints::default() }, asked_at, found };
    own_event(source, Origin::Fetch, &answer.body())
}

fn yoni(order: &str) -> Value {
    json!({ "orderNo": order, "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": "COMPLETED" })
}

/// Whatever comes in by the door, at random, some of it twice.
async fn send_webhooks(system: &System, random: &mut StdRng) {
    let run = format!("verified {}", random.random::<u64>());
    let mut bodies: Vec<_> = ALL.iter().map(|sample| (sample.source, renewed(sample, &run, Utc::now()))).collect();
    bodies.extend(life("B1").into_iter().map(|body| (Source::EsimAccess, body)));
    bodies.push((Source::Yoni, yoni("Y1").to_string().into_bytes()));
    bodies.push((Source::Yoni, json!({ "orderNo": "Y1", "result": "FAILED" }).to_string().into_bytes()));
    bodies.push((Source::Yoni, yoni("Y2").to_string().into_bytes()));
    bodies.extend(bodies.clone().into_iter().filter(|_| random.random()));
    bodies.shuffle(random);
    for (source, body) in bodies {
        system.accept(source, body).await;
    }
    system.applied().await;
}

/// What our own clock notices and the APIs answer. An order is refuted and confirmed later, which is told anew.
async fn send_our_own(system: &System) {
    let (esim_ref, expires_at) = (format!("B1/{ICCID}"), "2026-05-02T06:20:00Z".parse().unwrap());
    let expiring = Deadline::Expiring { esim_ref: esim_ref.clone(), expires_at, days: "3".to_owned() };
    let silent = Deadline::Silent { order_ref: "S1".to_owned(), since: Utc::now().trunc_subsecs(6) };
    for deadline in [expiring, Deadline::Expired { esim_ref, expires_at }, silent] {
        system.publish(&own_event(Source::EsimAccess, Origin::Clock, &deadline.body())).await;
        system.applied().await;
    }
    let about = || EntityKey::Order("Y2".to_owned());
    let page = json!({ "code": 0, "data": { "records": [yoni("Y2")], "total": 1 } });
    for (minutes, found) in [(5, None), (6, Some(page))] {
        system.publish(&answered(Source::Yoni, about(), minutes, found)).await;
        system.applied().await;
    }
}

/// Used up, and said again with a later time: it is told once, under the first.
async fn deplete_twice(system: &System) {
    for minute in [10, 20] {
        let content = json!({ "iccid": "8902", "esimStatus": "USED_UP", "smdpStatus": "ENABLED" });
        let at = format!("2026-04-02T06:{minute}:00Z");
        system.accept(Source::EsimAccess, esim_access("ESIM_STATUS", "B2", &at, content)).await;
        system.applied().await;
    }
}

#[tokio::test]
async fn what_came_by_whatever_way_in_whatever_order_is_what_the_tables_say() {
    let seed = rand::random_range(0..1_000_000);
    println!("seed {seed}");
    let system = Setup::default().workers(3).start().await;
    let mut random = StdRng::seed_from_u64(seed);
    send_webhooks(&system, &mut random).await;
    send_our_own(&system).await;
    deplete_twice(&system).await;
    system.settled().await;
    let actions = system.actions().await;
    for kind in ["webhook_refuted", "provider_silent", "credit_low", "esim_expired", "data_depleted"] {
        assert!(actions.iter().any(|promised| promised == kind), "{kind} is not among {actions:?}");
    }
    let events = u64::try_from(tables::event_count(&system.pool).await).unwrap();
    let mut entities = 0;
    for table in ["orders", "esims", "payments", "returns"] {
        entities += u64::try_from(tables::rows(&system.pool, table).await.len()).unwrap();
    }
    for (seed, partitions) in [(1, 1), (2, 1), (3, 3), (u64::MAX, 50)] {
        let (report, differences) = verify(&system, seed, partitions).await;
        assert_eq!(differences, [""; 0], "seed {seed}");
        assert_eq!((report.events, report.entities, report.differences), (events, entities, 0));
        assert!(report.promises > 20, "{report:?}");
    }
    let output = command(&system, &["--seed", "7"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("0 differences; seed 7\n"));
    system.finish().await;
}

/// What somebody did by hand, and what `verify` says of it.
const BY_HAND: [(&str, &[&str]); 10] = [
    (
        "UPDATE orders SET status = 'failed' WHERE source = 'yoni'",
        &["yoni order Y1: status is \"failed\", the events say \"completed\""],
    ),
    (
        "UPDATE esims SET activation_code = 'LPA:1$stolen$code' WHERE source = 'yoni'",
        &["yoni eSIM 8901: activation_code differs from what the events say"],
    ),
    (
        "UPDATE esims SET blocks = jsonb_set(blocks, '{install,value,activation_code}', '\"LPA:1$stolen$code\"')
         WHERE source = 'yoni'",
        &["yoni eSIM 8901: blocks differ: install"],
    ),
    (
        "UPDATE esims SET blocks = blocks - 'plan' || '{\"mode\": {\"value\": \"test\"}}' WHERE esim_ref = 'B2/8902'",
        &["esim-access eSIM B2/8902: blocks differ: mode, plan"],
    ),
    (
        "UPDATE orders SET provider = 'yoni' WHERE source = 'airalo'",
        &["airalo order A1: provider is \"yoni\", the events say \"airalo\""],
    ),
    (
        "DELETE FROM actions WHERE source = 'yoni' AND kind = 'esim_ready'",
        &["yoni: esim_ready was not promised (action_key esim_ready:cd318f310508c14f:8901)"],
    ),
    (
        "DELETE FROM actions WHERE kind = 'data_depleted'",
        &["esim-access: data_depleted was not promised (action_key data_depleted:2026-04-02T06:20:00Z:B2/8902)"],
    ),
    (
        "DELETE FROM actions WHERE kind = 'credit_low'",
        &["airalo: credit_low was not promised (action_key credit_low:…)"],
    ),
    ("DELETE FROM orders WHERE source = 'simplifytrip'", &["simplifytrip order T1: there are events and no row"]),
    (
        "INSERT INTO payments (source, payment_ref, provider) VALUES ('airtm', 'P1', 'airtm')",
        &["airtm payment P1: there is a row and no event"],
    ),
];

async fn send_what_will_be_changed(system: &System) {
    let credit = renewed(named("airalo/credit_limit").unwrap(), "by hand", Utc::now());
    let trip = json!({
        "id": "1", "type": "PURCHASE_ORDER_FAIL", "createdAt": Utc::now(), "sentDate": Utc::now(), "mode": "LIVE_MODE",
        "data": { "orderId": "T1", "status": "FAIL", "error": "Out of stock", "items": [] },
    });
    let airalo = json!({ "request_id": "A1", "data": { "package_id": "p", "sims": [] } });
    system.accept(Source::Yoni, yoni("Y1").to_string()).await;
    system.accept(Source::Airalo, credit).await;
    system.accept(Source::Airalo, airalo.to_string()).await;
    system.accept(Source::SimplifyTrip, trip.to_string()).await;
    deplete_twice(system).await;
    system.settled().await;
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_found_and_named() {
    let system = System::start().await;
    send_what_will_be_changed(&system).await;
    assert_eq!(verify(&system, 1, 1).await.1, [""; 0]);
    let mut expected = Vec::new();
    for (change, differences) in BY_HAND {
        let done = sqlx::query(AssertSqlSafe(change)).execute(&system.pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{change}");
        expected.extend(differences.iter().map(|line| (*line).to_owned()));
        expected.sort();
        for (seed, partitions) in [(1, 1), (2, 7)] {
            let (report, mut found) = verify(&system, seed, partitions).await;
            for line in found.iter_mut().filter(|line| line.contains("credit_low:")) {
                line.truncate(line.find("credit_low:").unwrap());
                line.push_str("credit_low:…)");
            }
            found.sort();
            assert_eq!(found, expected, "{change}");
            assert_eq!(report.differences, u64::try_from(found.len()).unwrap());
        }
    }
    let output = command(&system, &["--partitions", "2"]).await;
    let (told, last) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains(&format!("{} differences; seed ", expected.len())), "{told}");
    assert!(last.contains("in 2 passes") && last.contains("worker why"), "{last}");
    assert!(!format!("{told}{last}").contains("LPA:"), "{told}{last}");
    system.close().await;
}

#[tokio::test]
async fn an_event_that_is_not_what_was_applied_is_named() {
    let system = System::start().await;
    let changed = system.accept(Source::Yoni, yoni("Y1").to_string()).await;
    let health = renewed(named("esim_access/check_health").unwrap(), "by hand", Utc::now());
    let unreadable = system.accept(Source::EsimAccess, health).await;
    system.settled().await;
    let broken = yoni("Y1").to_string().replace("rsp.demo", "rsp.stolen");
    let change = "UPDATE events SET body = $2 WHERE id = $1";
    sqlx::query(change).bind(changed).bind(broken.as_bytes()).execute(&system.pool).await.unwrap();
    sqlx::query(change).bind(unreadable).bind(&b"LPA:1$"[..]).execute(&system.pool).await.unwrap();
    let (_, found) = verify(&system, 1, 3).await;
    let starts = [
        format!("esim-access event {unreadable}: it can't be read: the body is not JSON"),
        "yoni eSIM 8901: activation_code differs".to_owned(),
        "yoni eSIM 8901: blocks differ: confirmation, install".to_owned(),
        format!("yoni event {changed}: event_key is not that of the body"),
        "yoni: esim_ready was not promised".to_owned(),
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (line, start) in found.iter().zip(&starts) {
        assert!(line.starts_with(start) && !line.contains("rsp.") && !line.contains("LPA:"), "{line}");
    }
    system.close().await;
}

#[tokio::test]
async fn workers_that_go_on_meanwhile_make_no_difference() {
    let system = Setup::default().workers(2).start().await;
    let send = async {
        for number in 0..20 {
            for body in life(&format!("B{number}")) {
                system.accept(Source::EsimAccess, body).await;
            }
        }
        system.applied().await;
    };
    let mut checked = 0;
    let check = async {
        loop {
            let (report, differences) = verify(&system, checked, 3).await;
            assert_eq!(differences, [""; 0]);
            checked += 1;
            tokio::task::yield_now().await;
            if report.entities == 40 && report.events == 220 {
                break;
            }
        }
    };
    tokio::join!(send, check);
    assert!(checked > 1, "it was checked meanwhile");
    system.finish().await;
}
