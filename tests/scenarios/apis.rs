//! The providers' APIs: what a webhook only announces is fetched, what nobody signed is confirmed, what never came is
//! repaired; and nobody is asked too often.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use harness::eventually::holds;
use harness::posting::envelope;
use harness::simulated::{Airalo, Airtm, EsimAccess, Yoni, airalo, airtm, esim_access as access, yoni};
use harness::system::{esim_access, seconds_from_now};
use harness::{Setup, System, eventually, tables};
use reqwest::Method;
use samples::{Source, named};
use serde_json::{Value, json};
use shared::envelope::Envelope;
use uuid::Uuid;
use worker::commands;

use crate::customer_care::ask;
use crate::mail::{contact, kinds, mail_deliveries, settled_mails};

const CODE: &str = "LPA:1$rsp.simulated.example$MATCHING-ID";

/// Overdue at once, and looked for all the time.
fn impatient() -> Setup {
    Setup::default().worker(|settings| {
        settings.limits.overdue_after = Duration::from_millis(1);
        settings.limits.sweep_interval = Duration::from_millis(200);
    })
}

fn access_api(provider: &EsimAccess) -> String {
    let (base, code, key) = (provider.base_url(), access::ACCESS_CODE, access::SECRET_KEY);
    let path = access::BASE_PATH;
    format!("base_url = \"{base}{path}\"\naccess_code = {{ env = \"{code}\" }}\nsecret_key = {{ env = \"{key}\" }}")
}

fn yoni_api(provider: &Yoni) -> String {
    let base = provider.base_url();
    format!("base_url = \"{base}\"\napp_id = \"{}\"\napp_secret = {{ env = \"{}\" }}", yoni::APP_ID, yoni::APP_SECRET)
}

fn airtm_api(provider: &Airtm) -> String {
    let (base, key, secret) = (provider.base_url(), airtm::API_KEY, airtm::API_SECRET);
    format!("version = 1\nbase_url = \"{base}\"\napi_key = {{ env = \"{key}\" }}\nsecret = {{ env = \"{secret}\" }}")
}

fn announced(order: &str) -> Vec<u8> {
    esim_access("ORDER_STATUS", order, &seconds_from_now(-5), json!({ "orderStatus": "GOT_RESOURCE" }))
}

fn completed(order: &str, iccid: &str) -> String {
    json!({ "orderNo": order, "iccid": iccid, "lpa": CODE, "result": "COMPLETED" }).to_string()
}

async fn register(system: &System, source: Source, order: &str) {
    let path = format!("/v1/orders/{}/{order}", source.name());
    let (status, body) = ask(system, Method::PUT, &path, None).await;
    assert!(status.is_success(), "{status} {body}");
}

async fn becomes(system: &System, table: &str, column: &str, expected: &str) {
    eventually(&format!("{table}.{column} is {expected}"), async || {
        let rows = tables::rows(&system.pool, table).await;
        holds(rows.iter().any(|row| row[column] == expected), || format!("{rows:?}"))
    })
    .await;
}

async fn told(system: &System) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for received in system.merchant().received().await {
        *kinds.entry(received.kind().to_owned()).or_default() += 1;
    }
    kinds
}

async fn hears(system: &System, kind: &str) {
    eventually(&format!("the shop hears {kind}"), async || {
        let told = told(system).await;
        holds(told.contains_key(kind), || format!("{told:?}"))
    })
    .await;
}

#[tokio::test]
async fn an_order_that_is_only_announced_is_fetched_with_all_its_esims() {
    let provider = EsimAccess::open().await;
    let esims = ["8900001", "8900002"].map(|iccid| access::Esim::allocated(&format!("T{iccid}"), iccid, CODE));
    let order = access::Order { allocating: true, ..access::Order::new("B1", esims.to_vec()) };
    provider.change(|world| world.orders.insert("B1".to_owned(), order));
    let system = Setup::default().merchant().api(Source::EsimAccess, access_api(&provider)).start().await;
    system.accept(Source::EsimAccess, announced("B1")).await;
    eventually("it was asked while it was still allocating", async || {
        let asked = provider.conduct().count(access::BASE_PATH);
        holds(asked > 0, || format!("{asked} requests"))
    })
    .await;
    provider.change(|world| world.orders.get_mut("B1").unwrap().allocating = false);
    eventually("both are ready", async || {
        let told = told(&system).await;
        holds(told.get("esim_ready") == Some(&2), || format!("{told:?}"))
    })
    .await;
    let row = system.esim(Source::EsimAccess, "B1/8900002").await;
    assert_eq!(row["activation_code"], CODE);
    assert_eq!(row["confirmation"], "confirmed");
    assert_eq!(system.order(Source::EsimAccess, "B1").await["status"], "completed");
    let received = system.merchant().received().await;
    assert!(received.iter().all(|told| told.body["data"]["install"]["activation_code"] == CODE), "{received:?}");
    system.finish().await;
}

#[tokio::test]
async fn a_webhook_that_never_came_is_repaired_and_counted() {
    let provider = Yoni::open().await;
    provider.change(|world| world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", "8910001", CODE)));
    let system = impatient().merchant().api(Source::Yoni, yoni_api(&provider)).start().await;
    register(&system, Source::Yoni, "Y1").await;
    hears(&system, "esim_ready").await;
    becomes(&system, "orders", "status", "completed").await;
    assert_eq!(system.worker_metric("worker_repaired_orders_total", &["yoni"]).await, 1.0);
    let (_, order) = ask(&system, Method::GET, "/v1/orders/yoni/Y1", None).await;
    assert_eq!(order["status"], "completed", "{order}");
    assert!(!order["repaired_at"].is_null(), "{order}");
    let mut shown = Vec::new();
    commands::show_gaps(&system.pool, &mut shown).await.unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let line: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..5], ["yoni", "1", "0", "1", "0"], "{shown}");
    // The webhook that comes after all says nothing new.
    system.accept(Source::Yoni, completed("Y1", "8910001")).await;
    system.settled().await;
    assert_eq!(told(&system).await, BTreeMap::from([("esim_ready".to_owned(), 1)]));
    system.finish().await;
}

#[tokio::test]
async fn an_order_that_only_its_description_finds_is_repaired_once_that_is_known() {
    let provider = Airalo::open().await;
    let sim = airalo::Sim::new(1, "891000000000009125", "MATCHING-ID");
    provider.change(|world| world.orders.insert(7, airalo::Order::completed(7, "shop order A-17", vec![sim])));
    let system = impatient().merchant().api(Source::Airalo, airalo_api(&provider)).start().await;
    register(&system, Source::Airalo, "3NhR3gKmqCWK7IWppurpDX3Cg").await;
    becomes(&system, "fetch_tasks", "status", "failed").await;
    let described = json!({ "description": "shop order A-17" });
    ask(&system, Method::PUT, "/v1/orders/airalo/3NhR3gKmqCWK7IWppurpDX3Cg", Some(described)).await;
    hears(&system, "esim_ready").await;
    assert_eq!(system.order(Source::Airalo, "3NhR3gKmqCWK7IWppurpDX3Cg").await["status"], "completed");
    system.finish().await;
}

/// As if the doorbell had rung two minutes ago: what the API denies a minute later is refuted.
fn rung(source: Source, body: &str) -> Envelope {
    let past = envelope(source, body.as_bytes());
    Envelope { received_at: past.received_at - TimeDelta::minutes(2), ..past }
}

async fn mail_with_code_is(system: &System, expected: &str) {
    eventually(&format!("the mail with the code is {expected}"), async || {
        let deliveries = mail_deliveries(&system.pool).await;
        let is = |(kind, status, _): &(String, String, _)| kind == "esim_ready" && status == expected;
        holds(deliveries.iter().any(is), || format!("{deliveries:?}"))
    })
    .await;
}

#[tokio::test]
async fn the_mail_with_a_code_waits_until_the_api_has_confirmed_it() {
    let provider = Yoni::open().await;
    provider.conduct().down(true);
    let system = Setup::default().mail().api(Source::Yoni, yoni_api(&provider)).start().await;
    system.register(Source::Yoni, "Y1", &contact("ana@example.com", "en")).await;
    system.accept(Source::Yoni, completed("Y1", "8910001")).await;
    mail_with_code_is(&system, "waiting_confirmation").await;
    becomes(&system, "orders", "confirmation", "unconfirmed").await;
    provider.change(|world| world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", "8910001", CODE)));
    provider.conduct().down(false);
    mail_with_code_is(&system, "sent").await;
    let mails = settled_mails(&system).await;
    assert_eq!(kinds(&system, &mails).await, ["esim_ready"]);
    becomes(&system, "orders", "confirmation", "confirmed").await;
    system.finish().await;
}

/// While it lives, no attempt can be noted: a relay stands there with what it has decided.
async fn hold_attempts(system: &System) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut tx = system.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE attempts").execute(&mut *tx).await.unwrap();
    tx
}

#[tokio::test]
async fn a_confirmation_that_comes_while_the_mail_is_put_aside_is_not_missed() {
    let provider = Yoni::open().await;
    provider.conduct().down(true);
    // No clock comes to the rescue.
    let setup = Setup::default().mail().worker(|settings| settings.limits.clock_interval = Duration::from_secs(3_600));
    let system = setup.api(Source::Yoni, yoni_api(&provider)).start().await;
    system.register(Source::Yoni, "Y1", &contact("ana@example.com", "en")).await;
    let held = hold_attempts(&system).await;
    system.accept(Source::Yoni, completed("Y1", "8910001")).await;
    eventually("the relays of the log and of the mail have decided", async || {
        let marking = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND query LIKE 'WITH marked%'";
        let marking: i64 = sqlx::query_scalar(marking).fetch_one(&system.pool).await.map_err(|e| e.to_string())?;
        holds(marking == 2, || format!("{marking} of them"))
    })
    .await;
    provider.change(|world| world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", "8910001", CODE)));
    provider.conduct().down(false);
    an_hour_passes(&system).await;
    becomes(&system, "esims", "confirmation", "confirmed").await;
    mail_with_code_is(&system, "sending").await;
    held.rollback().await.unwrap();
    mail_with_code_is(&system, "sent").await;
    system.finish().await;
}

#[tokio::test]
async fn who_acts_before_confirmation_sends_the_mail_at_once() {
    let provider = Yoni::open().await;
    provider.conduct().down(true);
    let setup = Setup::default().mail().before_confirmation("act");
    let system = setup.api(Source::Yoni, yoni_api(&provider)).start().await;
    system.register(Source::Yoni, "Y1", &contact("ana@example.com", "en")).await;
    system.accept(Source::Yoni, completed("Y1", "8910001")).await;
    let mails = settled_mails(&system).await;
    assert_eq!(kinds(&system, &mails).await, ["esim_ready"]);
    becomes(&system, "esims", "confirmation", "unconfirmed").await;
    system.finish().await;
}

#[tokio::test]
async fn a_forged_completion_changes_nothing_that_matters_and_is_reported() {
    let provider = Yoni::open().await;
    let system = Setup::default().merchant().mail().api(Source::Yoni, yoni_api(&provider)).start().await;
    system.register(Source::Yoni, "Y-forged", &contact("ana@example.com", "en")).await;
    system.publish(&rung(Source::Yoni, &completed("Y-forged", "8910002"))).await;
    hears(&system, "webhook_refuted").await;
    becomes(&system, "esims", "confirmation", "refuted").await;
    let reports = system.merchant().received().await;
    let report = reports.iter().find(|told| told.kind() == "webhook_refuted").unwrap();
    assert!(!report.body.to_string().contains("MATCHING-ID"), "{}", report.body);
    // It may have been put aside as unconfirmed before.
    mail_with_code_is(&system, "superseded").await;
    assert!(settled_mails(&system).await.is_empty(), "no customer hears of it");
    system.finish().await;
}

fn purchase(id: Uuid, status: &str) -> Value {
    json!({
        "id": id, "code": "A-17", "amount": "20.00", "status": status, "operation_type": "purchase",
        "created_at": Utc::now(), "updated_at": Utc::now(),
    })
}

async fn message_of_payment_is(system: &System, expected: &str) {
    eventually(&format!("the message of the payment is {expected}"), async || {
        let deliveries = system.deliveries().await;
        let is = |(kind, status, _): &(String, String, _)| kind == "payment_succeeded" && status == expected;
        holds(deliveries.iter().any(is), || format!("{deliveries:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_payment_counts_when_the_api_confirms_it_and_not_before() {
    let provider = Airtm::open().await;
    provider.conduct().down(true);
    let system = Setup::default().merchant().api(Source::Airtm, airtm_api(&provider)).start().await;
    let id = Uuid::now_v7();
    system.accept(Source::Airtm, purchase(id, "confirmed").to_string()).await;
    message_of_payment_is(&system, "waiting_confirmation").await;
    becomes(&system, "payments", "confirmation", "unconfirmed").await;
    assert!(system.merchant().received().await.is_empty(), "nobody delivers on a doorbell");
    let payment = airtm::Payment::new(id, airtm::Direction::Payin, "confirmed", "20.00".parse().unwrap());
    provider.change(|world| world.payments.insert(id, payment));
    provider.conduct().down(false);
    hears(&system, "payment_succeeded").await;
    becomes(&system, "payments", "confirmation", "confirmed").await;
    system.finish().await;
}

#[tokio::test]
async fn a_forged_payment_is_never_told() {
    let provider = Airtm::open().await;
    let system = Setup::default().merchant().api(Source::Airtm, airtm_api(&provider)).start().await;
    system.publish(&rung(Source::Airtm, &purchase(Uuid::now_v7(), "confirmed").to_string())).await;
    hears(&system, "webhook_refuted").await;
    message_of_payment_is(&system, "superseded").await;
    assert!(!told(&system).await.contains_key("payment_succeeded"));
    system.finish().await;
}

/// What is due later is due now; what was being asked is left alone.
async fn an_hour_passes(system: &System) {
    for statement in [
        "UPDATE fetch_tasks SET next_attempt_at = now() WHERE status = 'pending'",
        "UPDATE api_breakers SET open_until = now()",
    ] {
        sqlx::query(statement).execute(&system.pool).await.unwrap();
    }
}

#[tokio::test]
async fn an_api_that_is_down_costs_nothing_but_time() {
    let provider = Yoni::open().await;
    provider.change(|world| world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", "8910001", CODE)));
    provider.conduct().down(true);
    let system = impatient().merchant().api(Source::Yoni, yoni_api(&provider)).start().await;
    register(&system, Source::Yoni, "Y1").await;
    eventually("the question was not answered", async || {
        let tasks = tables::rows(&system.pool, "fetch_tasks").await;
        let failed = tasks.iter().any(|task| task["failures"].as_i64() > Some(0) && !task["last_error"].is_null());
        holds(failed, || format!("{tasks:?}"))
    })
    .await;
    provider.conduct().down(false);
    an_hour_passes(&system).await;
    hears(&system, "esim_ready").await;
    system.finish().await;
}

/// On threads of their own: the provider counts what arrives, not what one thread gets round to.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_workers_together_stay_under_the_limit() {
    let provider = EsimAccess::open().await;
    for order in 0..24 {
        let (number, iccid) = (format!("B{order}"), format!("89{order:05}"));
        let esim = access::Esim::allocated(&format!("T{order}"), &iccid, CODE);
        provider.change(|world| world.orders.insert(number.clone(), access::Order::new(&number, vec![esim])));
    }
    let setup = Setup::default().workers(10).database_connections(4);
    let system = setup.api(Source::EsimAccess, access_api(&provider)).start().await;
    for order in 0..24 {
        system.accept(Source::EsimAccess, announced(&format!("B{order}"))).await;
    }
    eventually("all are fetched", async || {
        let esims = tables::rows(&system.pool, "esims").await.len();
        holds(esims == 24, || format!("{esims} eSIMs"))
    })
    .await;
    assert_eq!(provider.conduct().too_many(), 0, "the provider never had to say no");
    assert!(provider.conduct().max_in_any_second() <= 8);
    system.finish().await;
}

fn airalo_api(provider: &Airalo) -> String {
    let (base, id, secret) = (provider.base_url(), airalo::CLIENT_ID, airalo::CLIENT_SECRET);
    format!("base_url = \"{base}\"\nclient_id = \"{id}\"\nclient_secret = {{ env = \"{secret}\" }}")
}

#[tokio::test]
async fn what_no_webhook_tells_is_asked_for_even_when_a_token_has_ended() {
    let provider = Airalo::open().await;
    let iccid = "891000000000009125";
    let in_two_days = (Utc::now() + TimeDelta::days(2)).format("%Y-%m-%d %H:%M:%S").to_string();
    let usage = |remaining| airalo::Usage::active(remaining, 1000, &in_two_days);
    provider.change(|world| world.usage.insert(iccid.to_owned(), usage(900)));
    let system = Setup::default().merchant().api(Source::Airalo, airalo_api(&provider)).start().await;
    system.accept(Source::Airalo, named("airalo/async_order_root_request_id").unwrap().body).await;
    hears(&system, "esim_ready").await;
    an_hour_passes(&system).await;
    eventually("its end is known", async || {
        let esims = tables::rows(&system.pool, "esims").await;
        holds(esims.iter().any(|esim| !esim["expires_at"].is_null()), || format!("{esims:?}"))
    })
    .await;
    assert!(!told(&system).await.contains_key("data_depleted"));
    provider.change(|world| {
        world.revoke_tokens();
        world.usage.insert(iccid.to_owned(), airalo::Usage { status: "FINISHED".to_owned(), ..usage(0) });
    });
    eventually("it is asked again", async || {
        an_hour_passes(&system).await;
        let (told, tasks) = (told(&system).await, tables::rows(&system.pool, "fetch_tasks").await);
        holds(told.contains_key("data_depleted"), || format!("{told:?} {tasks:?}"))
    })
    .await;
    assert_eq!(provider.conduct().count("/v2/token"), 2, "a token is kept as long as it is good");
    system.finish().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_comes_late_is_asked_for_again() {
    let provider = Yoni::open().await;
    provider.change(|world| world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", "8910001", CODE)));
    let api = format!("timeout = \"500ms\"\n{}", yoni_api(&provider));
    let system = impatient().merchant().api(Source::Yoni, api).start().await;
    for wrong in [true, false] {
        provider.conduct().half(wrong);
        provider.conduct().slow(if wrong { Duration::ZERO } else { Duration::from_secs(30) });
        register(&system, Source::Yoni, if wrong { "Y1" } else { "Y2" }).await;
        let failures = if wrong { 1 } else { 2 };
        eventually("that was no answer", async || {
            an_hour_passes(&system).await;
            let tasks = tables::rows(&system.pool, "fetch_tasks").await;
            let failed = tasks.iter().any(|task| task["failures"].as_i64() >= Some(failures));
            holds(failed, || format!("{tasks:?}"))
        })
        .await;
        assert!(system.merchant().received().await.is_empty());
    }
    provider.conduct().slow(Duration::ZERO);
    an_hour_passes(&system).await;
    eventually("the whole answer counts", async || {
        an_hour_passes(&system).await;
        let told = told(&system).await;
        holds(told.contains_key("esim_ready"), || format!("{told:?}"))
    })
    .await;
    system.finish().await;
}
