use super::*;
use crate::dialect::esim_access::{Content, Form, Names, Notice, Usage};
use crate::dialect::yoni::{Absent, Order};
use crate::event::{Body, Inbox, Meaning, Nature};

const ESIM: &str = "B1/8901";

fn at(text: &str) -> Time {
    format!("2026-05-{text}:00Z").parse().unwrap()
}

fn span() -> Span {
    Span { from: at("20T12:00"), until: at("20T12:05") }
}

fn event(meaning: Meaning) -> Event {
    let (body, inbox, message_id) = (Body::Fixed(Vec::new()), Inbox::default(), String::new());
    Event { at: span().from, body, meaning, inbox, nature: Nature::Genuine, message_id }
}

fn names() -> Names {
    let text = str::to_owned;
    Names { order_no: text("B1"), iccid: text("8901"), tran_no: text("1"), transaction: None, eid: text("8904") }
}

/// Said at `time`; without one it is a notice of 2025 that has none.
fn notice(time: Option<&str>, content: Content) -> Event {
    let form = if time.is_some() { Form::Year2026 } else { Form::Year2025 };
    let sent_at = time.map_or(span().from, at);
    let (with_offset, notify_id) = (false, String::new());
    event(Notice { form, with_offset, notify_id, sent_at, names: names(), content }.meaning())
}

fn status(time: &str, plan: &'static str, profile: &'static str) -> Event {
    notice(Some(time), Content::EsimStatus { plan, profile, usage: None, order: None })
}

fn step(time: &str, plan: &'static str, profile: &'static str, sequence: u64) -> Event {
    notice(Some(time), Content::Smdp { plan, profile, sequence: Some(sequence), outcome: None })
}

fn usage(time: &str, total_bytes: u64, used_bytes: u64) -> Event {
    let usage = Usage { total_bytes, used_bytes };
    notice(Some(time), Content::DataUsage { usage, measured_at: at(time), remaining: "0.9", as_text: false })
}

fn ends(said: Option<&str>, ends: &str, remaining_days: u32) -> Event {
    notice(said, Content::Validity { days: 30, ends_at: at(ends), remaining_days })
}

fn of(source: Source, events: &[Event]) -> Truth {
    let received = |number: i32| span().from + TimeDelta::seconds(1) * number;
    let heard = |(event, number)| Heard { event, source, between: (received(number), received(number)) };
    truth(&events.iter().zip(0..).map(heard).collect::<Vec<_>>(), span())
}

fn row(truth: &Truth, table: Table, reference: &str) -> Row {
    let (_, rows) = truth.rows.iter().find(|(e, _)| e.table == table && e.reference == reference).unwrap();
    assert_eq!(rows.len(), 1);
    rows[0].clone()
}

#[track_caller]
fn check(truth: &Truth, table: Table, reference: &str, expected: &[(&'static str, &str)]) {
    let row = row(truth, table, reference);
    for (column, expected) in expected {
        let found = match &row[column] {
            None => "null".to_owned(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Flag(flag)) => flag.to_string(),
            Some(Value::Time(time)) => time.format("%dT%H:%M").to_string(),
        };
        assert_eq!(found, *expected, "{column}");
    }
}

/// Of each promise: its kind, what it says, and how often.
fn promises(truth: &Truth) -> Vec<String> {
    let said = |promise: &Promise| {
        let values = promise.payload.iter().map(|(_, value)| match value {
            Value::Number(number) => format!(" {number}"),
            Value::Time(time) => format!(" {}", time.format("%dT%H:%M")),
            Value::Text(_) | Value::Flag(_) => String::new(),
        });
        format!("{}{} {}..{}", promise.kind, values.collect::<String>(), promise.least, promise.most)
    };
    let mut said: Vec<_> = truth.promises.iter().map(said).collect();
    said.sort();
    said
}

#[test]
fn the_latest_holds_in_whatever_order_it_came() {
    let mut events = [
        status("03T10:00", "IN_USE", "ENABLED"),
        status("05T10:00", "USED_UP", "DISABLED"),
        step("04T10:00", "GOT_RESOURCE", "ENABLED", 9),
    ];
    for _ in 0..2 {
        let truth = of(Source::EsimAccess, &events);
        check(
            &truth,
            Table::Esims,
            ESIM,
            &[
                ("plan_status", "depleted"),
                ("provider_plan_status", "USED_UP"),
                ("plan_status_at", "05T10:00"),
                ("profile_status", "disabled"),
                ("eid", "8904"),
                ("mode", "live"),
                ("confirmation", "null"),
            ],
        );
        assert_eq!(promises(&truth), ["data_depleted 1..1", "esim_activated 0..1", "esim_installed 1..1"]);
        events.reverse();
    }
}

#[test]
fn what_is_said_in_passing_only_fills_a_gap() {
    let truth = of(Source::EsimAccess, &[step("09T10:00", "IN_USE", "ENABLED", 1)]);
    check(&truth, Table::Esims, ESIM, &[("plan_status", "active"), ("plan_status_at", "09T10:00")]);
    let known = [step("09T10:00", "IN_USE", "ENABLED", 1), status("03T10:00", "SUSPENDED", "ENABLED")];
    check(&of(Source::EsimAccess, &known), Table::Esims, ESIM, &[("plan_status", "suspended")]);
}

#[test]
fn of_one_time_the_number_decides_and_then_what_is_further_along() {
    let steps = [step("03T10:00", "IN_USE", "DISABLED", 2), step("03T10:00", "IN_USE", "ENABLED", 3)];
    check(&of(Source::EsimAccess, &steps), Table::Esims, ESIM, &[("profile_status", "enabled")]);
    let statuses = [status("03T10:00", "USED_EXPIRED", "DISABLED"), status("03T10:00", "USED_UP", "ENABLED")];
    let expected =
        [("plan_status", "expired"), ("provider_plan_status", "USED_EXPIRED"), ("profile_status", "disabled")];
    check(&of(Source::EsimAccess, &statuses), Table::Esims, ESIM, &expected);
}

#[test]
fn a_time_too_far_ahead_is_none() {
    let events = [status("20T13:30", "CANCEL", "RELEASED"), status("03T10:00", "IN_USE", "ENABLED")];
    let expected = [("plan_status", "active"), ("profile_status", "enabled"), ("plan_status_at", "03T10:00")];
    check(&of(Source::EsimAccess, &events), Table::Esims, ESIM, &expected);
    let doubtful = [Heard { event: &events[0], source: Source::EsimAccess, between: (at("20T12:00"), at("20T12:40")) }];
    let truth = truth(&doubtful, span());
    assert_eq!((truth.undecided.len(), truth.rows.len(), truth.promises.len()), (1, 0, 0));
}

#[test]
fn of_the_allowance_in_force_the_highest_share_must_be_told() {
    let events = [usage("03T10:00", 1_000, 510), usage("04T10:00", 1_000, 850), usage("05T10:00", 3_000, 1_600)];
    let truth = of(Source::EsimAccess, &events);
    check(&truth, Table::Esims, ESIM, &[("total_bytes", "3000"), ("used_bytes", "1600"), ("usage_at", "05T10:00")]);
    let expected = ["low_data 50 1000 0..1", "low_data 50 3000 1..1", "low_data 80 1000 0..1"];
    assert_eq!(promises(&truth), expected);
    let over = [usage("04T10:00", 1_000, 850), status("06T10:00", "USED_UP", "ENABLED")];
    let expected = ["data_depleted 1..1", "esim_installed 1..1", "low_data 80 1000 0..1"];
    assert_eq!(promises(&of(Source::EsimAccess, &over)), expected);
}

#[test]
fn our_clock_ends_what_nobody_ends_and_not_what_was_extended() {
    let in_use = status("03T10:00", "IN_USE", "ENABLED");
    let truth = of(Source::EsimAccess, &[in_use.clone(), ends(None, "10T10:00", 1)]);
    check(&truth, Table::Esims, ESIM, &[("plan_status", "expired"), ("plan_status_at", "10T10:00")]);
    let expected = ["esim_activated 0..1", "esim_expired 1..1", "esim_installed 0..1", "expiring_soon 1 10T10:00 0..1"];
    assert_eq!(promises(&truth), expected);
    let extended = [in_use.clone(), ends(None, "10T10:00", 1), ends(None, "22T10:00", 7)];
    let truth = of(Source::EsimAccess, &extended);
    check(&truth, Table::Esims, ESIM, &[("plan_status", "active"), ("expires_at", "22T10:00")]);
    let expected = [
        "esim_activated 1..1",
        "esim_expired 0..1",
        "esim_installed 1..1",
        "expiring_soon 1 10T10:00 0..1",
        "expiring_soon 3 22T10:00 1..1",
    ];
    assert_eq!(promises(&truth), expected, "the notice of three days is our clock's");
    let alive = [ends(None, "10T10:00", 1), status("11T10:00", "IN_USE", "ENABLED")];
    check(&of(Source::EsimAccess, &alive), Table::Esims, ESIM, &[("plan_status", "active")]);
    let truth = of(Source::EsimAccess, &[in_use, ends(None, "20T12:02", 1)]);
    assert_eq!(truth.rows.values().map(Vec::len).collect::<Vec<_>>(), [2], "it ends while we look");
}

#[test]
fn an_order_that_contradicts_itself_is_complete_and_to_be_looked_at() {
    let order = |failed| {
        let text = str::to_owned;
        let order = Order {
            order_no: text("1"),
            currency: "4",
            iccid: text("8901"),
            matching_id: text("X"),
            package_code: text("P"),
            package_name: "Malaysia",
            price: "9.90",
            failed,
        };
        event(order.meaning())
    };
    let truth = of(Source::Yoni, &[order(None), order(Some(Absent::Null))]);
    let expected = [
        ("status", "completed"),
        ("provider_status", "COMPLETED"),
        ("needs_review", "true"),
        ("amount", "9.90"),
        ("currency", "SGD"),
        ("confirmation", "unconfirmed"),
        ("status_at", "null"),
    ];
    check(&truth, Table::Orders, "1", &expected);
    check(&truth, Table::Esims, "8901", &[("activation_code", "LPA:1$rsp.demo$X"), ("order_ref", "1")]);
    assert_eq!(promises(&truth), ["esim_ready 1..1", "order_failed 0..1", "order_needs_review 1..1"]);
    let failed = of(Source::Yoni, &[order(Some(Absent::Named))]);
    check(&failed, Table::Esims, "8901", &[("activation_code", "null"), ("plan_status", "null")]);
    assert_eq!(promises(&failed), ["order_failed 1..1"]);
}

#[test]
fn of_warnings_without_a_time_the_one_that_came_last_must_be_told() {
    use crate::dialect::airalo::{Alert, Level};
    let alert = |percent| {
        let (package_code, iccid) = ("p", "8901".to_owned());
        event(Alert { level: Level::Percent(percent), package_code, remaining_percent: 10, iccid }.meaning())
    };
    let expected = ["low_data 75 0..1", "low_data 90 1..1"];
    assert_eq!(promises(&of(Source::Airalo, &[alert(75), alert(90)])), expected);
    let events = [alert(75), alert(90)];
    let between = (span().from, span().until);
    let heard: Vec<_> = events.iter().map(|event| Heard { event, source: Source::Airalo, between }).collect();
    let expected = ["low_data 0..1", "low_data 1..2", "low_data 75 0..1", "low_data 90 0..1"];
    assert_eq!(promises(&truth(&heard, span())), expected[1..], "nobody knows which one was the last");
}

/// So that a kind that is never promised is missed.
#[test]
fn every_kind_of_promise_must_be_made_in_some_life() {
    let base = span().from;
    let world = crate::life::World { seed: 1, run: String::new(), base, clocks: crate::chaos::Chaos::NONE.clocks };
    let mut must: BTreeMap<&str, usize> = BTreeMap::new();
    for life in (1..=800).map(|number| world.life(number)) {
        for promise in of(life.source, &life.events).promises.iter().filter(|promise| promise.least > 0) {
            *must.entry(promise.kind).or_default() += 1;
        }
    }
    let kinds = [
        "credit_low", "data_depleted", "esim_activated", "esim_cancelled", "esim_expired", "esim_installed",
        "esim_ready", "esim_revoked", "esim_suspended", "expiring_soon", "low_data", "order_cancelled", "order_failed",
        "order_needs_review", "payment_failed", "payment_succeeded", "payout_failed", "payout_succeeded",
        "return_approved", "return_rejected", "sim_delivered", "sim_shipped",
    ];
    assert_eq!(must.keys().copied().collect::<Vec<_>>(), kinds, "{must:?}");
}
