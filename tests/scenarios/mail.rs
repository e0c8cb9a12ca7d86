//! Mail: what a customer gets, in which words, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::Utc;
use harness::eventually::holds;
use harness::mailbox::{FROM, Mail};
use harness::{Setup, System, eventually, tables};
use samples::{Source, named, renewed};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;
use wiremock::ResponseTemplate;

/// Enough attempts for anything here, a moment apart.
pub(crate) const SOON: &[u64] = &[50; 400];

pub(crate) fn contact(email: &str, locale: &str) -> Value {
    json!({ "email": email, "name": "Ana", "locale": locale, "time_zone": "Europe/Berlin" })
}

/// An order of Yoni's and its body; `run` makes it one of its own.
pub(crate) fn order(run: &str) -> (String, Value) {
    let body = renewed(named("yoni/completed").unwrap(), run, Utc::now());
    let body: Value = serde_json::from_slice(&body).unwrap();
    (body["orderNo"].as_str().unwrap().to_owned(), body)
}

/// An order that belongs to somebody, and its eSIM.
pub(crate) async fn accept_order(system: &System, run: &str, contact: &Value) -> Value {
    let (order_ref, body) = order(run);
    system.register(Source::Yoni, &order_ref, contact).await;
    system.accept(Source::Yoni, body.to_string()).await;
    body
}

/// The mails' deliveries: kind, status, and why, sorted.
pub(crate) async fn mail_deliveries(pool: &PgPool) -> Vec<(String, String, Option<String>)> {
    sqlx::query_as(
        "SELECT kind, status, last_error FROM deliveries INNER JOIN actions ON actions.id = action_id
         WHERE channel = 'email' ORDER BY kind, status, last_error",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// All mails, once everything has come to its end.
pub(crate) async fn settled_mails(system: &System) -> Vec<Mail> {
    system.settled().await;
    system.mailbox().mails().await
}

/// The kinds of what the mails tell, oldest mail first.
pub(crate) async fn kinds(system: &System, mails: &[Mail]) -> Vec<String> {
    let mut kinds = Vec::new();
    for mail in mails {
        let kind = sqlx::query_scalar("SELECT kind FROM actions WHERE id = $1").bind(mail.action_id());
        kinds.push(kind.fetch_one(&system.pool).await.unwrap());
    }
    kinds
}

#[tokio::test]
async fn a_customer_gets_what_it_takes_to_install() {
    let system = Setup::default().mail().start().await;
    let body = accept_order(&system, "1", &contact("ana@example.com", "es-MX")).await;
    let mails = settled_mails(&system).await;
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    let action: Uuid = sqlx::query_scalar("SELECT id FROM actions").fetch_one(&system.pool).await.unwrap();
    assert_eq!(mail.message_id, format!("{action}.email@shop.example"));
    assert_eq!(mail.to, "ana@example.com");
    assert_eq!(mail.header("From").as_deref(), Some(FROM));
    assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(mail.header("Content-Language").as_deref(), Some("es"));
    assert!(mail.header("Date").is_some() && mail.header("MIME-Version").as_deref() == Some("1.0"));
    let expected = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"];
    assert_eq!(mail.media_types, expected);
    assert!(mail.subject.contains("eSIM") && mail.text.contains("Hola"), "{}", mail.subject);
    let [picture] = mail.pictures.as_slice() else { panic!("{} pictures", mail.pictures.len()) };
    assert!(picture.is_inline && mail.html.contains(&format!("cid:{}", picture.content_id)));
    assert_eq!(picture.scan(), body["lpa"].as_str().unwrap());
    for part in body["lpa"].as_str().unwrap().split('$').skip(1).filter(|part| !part.is_empty()) {
        assert!(mail.text.contains(part) && mail.html.contains(part), "for entry by hand");
    }
    system.finish().await;
}

#[tokio::test]
async fn each_customer_is_told_in_their_own_language() {
    let system = Setup::default().mail().start().await;
    let locales = [("de-AT", "de"), ("ja", "ja"), ("es", "es"), ("en-GB", "en"), ("xx", "en")];
    for (number, (locale, _)) in locales.into_iter().enumerate() {
        accept_order(&system, &number.to_string(), &contact(&format!("{locale}@example.com"), locale)).await;
    }
    let mails = settled_mails(&system).await;
    assert_eq!(mails.len(), locales.len());
    for (locale, expected) in locales {
        let mail = mails.iter().find(|mail| mail.to == format!("{locale}@example.com")).unwrap();
        assert_eq!(mail.header("Content-Language").as_deref(), Some(expected), "{locale}");
    }
    system.finish().await;
}

#[tokio::test]
async fn what_has_nobody_to_go_to_waits_until_the_shop_says_who() {
    let system = Setup::default().mail().start().await;
    let (order_ref, body) = order("1");
    system.accept(Source::Yoni, body.to_string()).await;
    eventually("the mail waits", async || {
        let deliveries = mail_deliveries(&system.pool).await;
        holds(deliveries.iter().any(|(_, status, _)| status == "waiting_contact"), || format!("{deliveries:?}"))
    })
    .await;
    assert!(system.mailbox().mails().await.is_empty());
    system.register(Source::Yoni, &order_ref, &contact("ana@example.com", "en")).await;
    system.settled().await;
    assert_eq!(system.mailbox().mails().await.len(), 1);
    system.finish().await;
}

/// Locks all mails that wait, once there are so many: whoever would not leave a locked one alone stands before it.
async fn hold_mails(pool: &PgPool, expected: usize) -> sqlx::Transaction<'static, sqlx::Postgres> {
    eventually("all wait for the next attempt", async || {
        let hold = async {
            let mut tx = pool.begin().await?;
            let waiting =
                "SELECT attempts FROM deliveries WHERE channel = 'email' AND status = 'pending' AND attempts > 0
                 FOR UPDATE";
            let waiting: Vec<i32> = sqlx::query_scalar(waiting).fetch_all(&mut *tx).await?;
            Ok((tx, waiting.len()))
        };
        let (tx, waiting) = hold.await.map_err(|error: sqlx::Error| error.to_string())?;
        if waiting == expected { Ok(tx) } else { Err(format!("{waiting} of {expected}")) }
    })
    .await
}

/// Waits until relays have claimed so often, with or without success: they look every 250 ms.
async fn claims(pool: &PgPool, expected: usize) {
    let mut seen = BTreeSet::new();
    let looked = "SELECT pid, query_start::text FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'WITH due%'";
    eventually("the relays have looked", async || {
        let claims: Vec<(i32, String)> =
            sqlx::query_as(looked).fetch_all(pool).await.map_err(|error| error.to_string())?;
        seen.extend(claims);
        holds(seen.len() >= expected, || format!("{} of {expected} claims", seen.len()))
    })
    .await;
}

#[tokio::test]
async fn three_relays_never_send_one_mail_twice() {
    // Between two attempts lies much more time than an attempt takes on a busy machine, so that all wait at one moment.
    let system = Setup::default().workers(3).mail().schedule(&[4_000; 60]).start().await;
    system.mailbox().container.stop().await;
    for run in 0..20 {
        accept_order(&system, &run.to_string(), &contact("ana@example.com", "en")).await;
    }
    let hold = hold_mails(&system.pool, 20).await;
    system.mailbox().start_again().await;
    eventually("all are due", async || {
        let due = "SELECT count(*) FROM deliveries WHERE channel = 'email' AND next_attempt_at <= now()";
        let due: i64 = sqlx::query_scalar(due).fetch_one(&system.pool).await.map_err(|error| error.to_string())?;
        holds(due == 20, || format!("{due} of 20"))
    })
    .await;
    // Four rounds of two relays in each of three workers: everybody stands before the same mails now.
    claims(&system.pool, 24).await;
    hold.rollback().await.unwrap();
    let mails = settled_mails(&system).await;
    let distinct: BTreeSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
    assert_eq!((mails.len(), distinct.len()), (20, 20));
    system.finish().await;
}

/// Takes the lock on what two relays are about to mark: from now on a mark waits.
async fn lock_deliveries(pool: &PgPool) -> sqlx::Transaction<'static, sqlx::Postgres> {
    eventually("both deliveries are under way", async || {
        let mut tx = pool.begin().await.map_err(|error| error.to_string())?;
        let under_way: Vec<String> = sqlx::query_scalar(
            "SELECT channel FROM deliveries WHERE status = 'sending' AND channel <> 'log' FOR UPDATE",
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(|error| error.to_string())?;
        if under_way.len() == 2 { Ok(tx) } else { Err(format!("{under_way:?}")) }
    })
    .await
}

/// The database's own processes that wait for the lock.
async fn blocked(pool: &PgPool) -> Vec<i32> {
    let waiting = "SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0";
    sqlx::query_scalar(waiting).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn a_crash_between_sending_and_marking_repeats_at_most_once_under_the_same_id() {
    let mut system = Setup::default().workers(0).merchant().mail().start().await;
    let port = system.host.amqp_port();
    let patient = [("MAIL_TIMEOUT", "6s"), ("MERCHANT_WEBHOOK_TIMEOUT", "6s"), ("DELIVERY_LEASE", "8s")];
    let first = system.worker_process_with(port, &patient).await;
    // Neither has answered when the lock is taken.
    system.mailbox().container.pause().await;
    system.merchant().answers(ResponseTemplate::new(200).set_delay(Duration::from_secs(4)));
    let (order_ref, body) = order("1");
    system.register_at(first.address, Source::Yoni, &order_ref, &contact("ana@example.com", "en")).await;
    system.accept(Source::Yoni, body.to_string()).await;
    let lock = lock_deliveries(&system.pool).await;
    system.mailbox().container.unpause().await;
    assert_eq!(system.mailbox().received(1).await.len(), 1);
    eventually("both want to be marked", async || {
        let waiting = blocked(&system.pool).await;
        holds(waiting.len() == 2, || format!("{waiting:?}"))
    })
    .await;
    let marks = blocked(&system.pool).await;
    first.kill().await;
    // The database would go on with the statement although nobody is there to hear: the mark dies with its worker.
    sqlx::query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS mark (pid)")
        .bind(&marks)
        .execute(&system.pool)
        .await
        .unwrap();
    lock.rollback().await.unwrap();
    system.merchant().answers(ResponseTemplate::new(200));
    let second = system.worker_process_with(port, &patient).await;
    let mails = settled_mails(&system).await;
    let ids: BTreeSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
    assert_eq!((mails.len(), ids.len()), (2, 1), "one repeat, which mailboxes know as a copy");
    let told = system.merchant().times_by_id().await;
    assert_eq!(told.values().copied().collect::<Vec<_>>(), [2], "one repeat, under one webhook-id");
    let deliveries = tables::rows(&system.pool, "deliveries").await;
    assert!(deliveries.iter().all(|delivery| delivery["status"] == "sent"), "{deliveries:?}");
    assert!(second.terminate().await.success());
    system.finish().await;
}

#[tokio::test]
async fn a_payment_is_known_by_its_reference_or_its_code() {
    let system = Setup::default().mail().start().await;
    let payments = ["1", "2", "3"].map(|run| renewed(named("airtm/purchase_confirmed").unwrap(), run, Utc::now()));
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    let (by_id, by_code, by_both) = (read(&payments[0]), read(&payments[1]), read(&payments[2]));
    let register = async |reference: &Value, name: &str| {
        let contact = contact(&format!("{name}@example.com"), "en");
        system.register(Source::Airtm, reference.as_str().unwrap(), &contact).await;
    };
    register(&by_id["id"], "id").await;
    register(&by_both["code"], "nobody").await;
    register(&by_both["id"], "both").await;
    for body in payments {
        system.accept(Source::Airtm, body).await;
    }
    system.applied().await;
    register(&by_code["code"], "code").await;
    system.settled().await;
    let mut to: Vec<_> = system.mailbox().mails().await.into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["both@example.com", "code@example.com", "id@example.com"], "the reference counts before the code");
    system.finish().await;
}
