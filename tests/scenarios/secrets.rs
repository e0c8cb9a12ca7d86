//! Secrets: whatever comes, and whatever goes wrong with it, no activation code, PIN, PUK, token, password or address of
//! a customer is in a log line, an error, a metric or an answer.

use std::net::SocketAddr;

use chrono::Utc;
use harness::mailbox::{PASSWORD, Security, percent_encoded};
use harness::posting::{Answer, Posting};
use harness::programs::Process;
use harness::setup::API_TOKEN;
use harness::sources::{OLD_SECRET, TOKEN, credential};
use harness::tables::refuse_events_with;
use harness::{Setup, System};
use reqwest::{Method, StatusCode};
use samples::{ALL, Credential, Sample, Source, renewed};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

/// Stands in everything that is secret.
const MARK: &str = "q7Zhidden";
/// A field in a body that the database refuses.
const UNSTORABLE: &str = "unstorable";
/// The fields of the providers' bodies whose values are secret or personal.
const SECRET_FIELDS: [&str; 13] = [
    "activationCode",
    "airtmUserEmail",
    "airtm_user_email",
    "confirmation_code",
    "direct_apple_installation_url",
    "email",
    "matching_id",
    "pin",
    "puk",
    "qrCodeContent",
    "qrCodeImg",
    "qrcode",
    "qrcode_url",
];
const LOUD: (&str, &str) = ("RUST_LOG", "debug,ingest=trace,worker=trace,runtime=trace,shared=trace,lapin=debug");

/// Everything that was said, and by whom.
#[derive(Default)]
struct Said(Vec<(String, String)>);

impl Said {
    fn hear(&mut self, whom: impl Into<String>, words: impl Into<String>) {
        self.0.push((whom.into(), words.into()));
    }

    fn hear_answer(&mut self, whom: &str, answer: &Answer) {
        self.hear(whom, format!("{} {:?} {}", answer.status, answer.headers, answer.body));
    }

    #[track_caller]
    fn holds_none_of(&self, secrets: &[String]) {
        for (whom, words) in &self.0 {
            for line in words.lines() {
                let leaked = secrets.iter().find(|secret| line.contains(secret.as_str()));
                assert!(leaked.is_none(), "{whom} said {leaked:?}: {line}");
            }
        }
    }
}

/// The value of a secret field as it could be, with the mark in it.
fn marked(field: &str, old: &Value) -> Value {
    match old.as_str().and_then(|code| code.split_once("LPA:")) {
        Some((before, _)) => json!(format!("{before}LPA:1$rsp.demo${MARK}-code")),
        None if field.to_lowercase().ends_with("email") => json!(format!("{MARK}@example.com")),
        None if field == "qrcode_url" || field == "qrCodeImg" => json!(format!("https://example.com/{MARK}.png")),
        None => json!(format!("{MARK}-{field}")),
    }
}

fn mark_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                let is_code = field.as_str().is_some_and(|text| text.contains("LPA:"));
                if is_code || SECRET_FIELDS.contains(&name.as_str()) {
                    *field = marked(name, field);
                } else {
                    mark_secrets(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark_secrets),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// The sample with marked secrets.
fn body(sample: &Sample, run: &str) -> Value {
    let mut body: Value = serde_json::from_slice(&renewed(sample, run, Utc::now())).unwrap();
    mark_secrets(&mut body);
    body
}

/// The same event as nobody should send it, authentic all the same.
fn spoilt(sample: &Sample) -> Vec<String> {
    let whole = body(sample, "spoilt").to_string();
    let foreign = json!({ "unheard_of": body(sample, "foreign") }).to_string();
    let listed = json!([body(sample, "listed")]).to_string();
    let mut unstorable = body(sample, "unstorable");
    unstorable[UNSTORABLE] = true.into();
    let misplaced = json!({ MARK: body(sample, "misplaced") }).to_string();
    vec![
        whole[..whole.len() - 1].to_owned(),
        foreign,
        listed,
        unstorable.to_string(),
        misplaced,
        format!("{MARK} {whole}"),
    ]
}

async fn accepted(system: &System, ingest: SocketAddr, source: Source, body: String, said: &mut Said) {
    let answer = system.post(source, body.clone()).signed().at(ingest).send().await;
    said.hear_answer("ingest", &answer);
    if answer.status == 401 && source == Source::SimplifyTrip {
        return; // It signs the values: what is no JSON has no signature.
    }
    assert_eq!(answer.status, 200, "what is authentic is taken");
    system.remember(answer.id(), source, body.as_bytes());
}

/// Every sample as it should be, spoilt, and forged.
async fn send_everything(system: &System, ingest: SocketAddr, said: &mut Said) {
    for sample in ALL {
        accepted(system, ingest, sample.source, body(sample, "whole").to_string(), said).await;
        for body in spoilt(sample) {
            accepted(system, ingest, sample.source, body, said).await;
        }
        let wrong = match credential(sample.source) {
            Credential::Token(_) => Credential::Token(format!("{MARK}-token")),
            Credential::SigningSecret(_) => {
                Credential::SigningSecret("whsec_d3Jvbmctc2VjcmV0LW9mLXNvbWVib2R5".to_owned())
            }
        };
        let forged = |posting: Posting| posting.at(ingest);
        let unsigned = system.post(sample.source, body(sample, "forged").to_string());
        for posting in [forged(unsigned.clone()), forged(unsigned.signed_with(&wrong))] {
            let answer = posting.send().await;
            assert!([401, 404].contains(&answer.status), "{}", answer.status);
            said.hear_answer("ingest", &answer);
        }
    }
}

/// What `GET` answers at this path; 200 is expected.
async fn read(system: &System, address: SocketAddr, path: &str) -> String {
    let answer = system.client.get(format!("http://{address}{path}")).bearer_auth(API_TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

/// Says whose each order is, badly and well; hears what the worker has to say to that.
async fn register_everybody(system: &System, worker: SocketAddr, said: &mut Said) {
    let wrong = [
        json!({ "email": format!("{MARK} is no address") }).to_string(),
        json!({ "email": format!("{MARK}@example.com"), "nickname": MARK }).to_string(),
        json!({ "email": format!("{MARK}@example.com"), "time_zone": MARK }).to_string(),
        format!("{{\"email\": \"{MARK}@example.com\", {MARK}"),
    ];
    let orders: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT source, COALESCE(order_ref, payload ->> 'payment_ref') FROM actions
         WHERE COALESCE(order_ref, payload ->> 'payment_ref') IS NOT NULL",
    )
    .fetch_all(&system.pool)
    .await
    .unwrap();
    assert!(orders.len() > 10, "{orders:?}");
    for (source, order_ref) in orders {
        let url = format!("http://{worker}/v1/orders/{source}/{order_ref}/contact");
        let put = |body: String| system.client.request(Method::PUT, &url).body(body);
        for body in &wrong {
            let answer = put(body.clone()).bearer_auth(API_TOKEN).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
            said.hear("the worker's API", answer.text().await.unwrap());
        }
        let stranger = put(String::new()).bearer_auth(format!("{MARK}-token")).send().await.unwrap();
        assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
        said.hear("the worker's API", stranger.text().await.unwrap());
        let contact = json!({ "email": format!("{MARK}@example.com"), "name": format!("{MARK} Ana"), "locale": "de" });
        let answer = put(contact.to_string()).bearer_auth(API_TOKEN).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        said.hear("the worker's why", read(system, worker, &format!("/v1/why/{order_ref}")).await);
    }
}

/// What an operator reads in the tables when something went wrong.
async fn hear_the_tables(system: &System, said: &mut Said) {
    for column in [
        "deliveries.last_error",
        "attempts.error",
        "dead_letters.detail",
        "dead_letters.reason",
        "events.kind",
        "disabled_endpoints.reason",
    ] {
        let (table, name) = column.split_once('.').unwrap();
        let sql = format!("SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL");
        let words: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&system.pool).await.unwrap();
        said.hear(column, words.join("\n"));
    }
}

/// A worker whose every setting is wrong, each with a secret in it.
fn misconfigured(system: &System) -> Process {
    let url = format!("mysql://user:{MARK}@127.0.0.1/{MARK}");
    let names = ["DATABASE_URL", "AMQP_URL", "SMTP_URL", "MERCHANT_WEBHOOK_URL", "MERCHANT_WEBHOOK_SECRETS"];
    let mut settings: Vec<_> = names.into_iter().map(|name| (name, url.as_str())).collect();
    settings.push(("API_TOKEN", &MARK[..8]));
    Process::start("worker", &system.setup().worker_environment(system, 1, &settings))
}

fn secrets(system: &System) -> Vec<String> {
    let mut secrets = vec![
        TOKEN.to_owned(),
        OLD_SECRET.to_owned(),
        API_TOKEN.to_owned(),
        system.merchant().secret(),
        PASSWORD.to_owned(),
        percent_encoded(PASSWORD),
        "postgres:postgres@".to_owned(),
        "guest:guest@".to_owned(),
        MARK[..8].to_owned(),
        // As bytes are printed.
        format!("{:?}", MARK.as_bytes()).trim_matches(['[', ']']).to_owned(),
        hex::encode(MARK),
    ];
    secrets.extend(Source::ALL.map(credential).map(|credential| match credential {
        Credential::Token(secret) | Credential::SigningSecret(secret) => secret,
    }));
    secrets
}

#[tokio::test]
async fn no_secret_is_in_anything_that_is_said() {
    let setup = Setup::default().workers(0).without_ingest().merchant().mail_over(Security::StartTls);
    let mut system = setup.start().await;
    refuse_events_with(&system.pool, UNSTORABLE).await;
    let mut said = Said::default();
    let (status, words) = misconfigured(&system).last_words().await;
    assert!(!status.success() && words.contains("SMTP_URL"), "{words}");
    said.hear("a misconfigured worker", words);
    system.merchant().answers(ResponseTemplate::new(500).set_body_string(format!("{MARK} is wrong")));
    system.mailbox().refuses(Some(550)).await;
    let ingest = system.ingest_process(&[LOUD, ("LOG_FORMAT", "json")]).ready().await;
    let endpoint = format!("{}/{MARK}?key={MARK}", system.merchant().url());
    let more = [LOUD, ("LOG_FORMAT", "json"), ("DELIVERY_SCHEDULE", "50ms,50ms"), ("MERCHANT_WEBHOOK_URL", &endpoint)];
    let worker = system.worker_process_with(system.host.amqp_port(), &more).await;
    send_everything(&system, ingest.address, &mut said).await;
    system.settled().await;
    register_everybody(&system, worker.address, &mut said).await;
    system.settled().await;
    hear_the_tables(&system, &mut said).await;
    for (name, address) in [("ingest", ingest.address), ("worker", worker.address)] {
        said.hear(format!("{name}'s metrics"), read(&system, address, "/metrics").await);
    }
    for (process, target) in [(&ingest, "\"target\":\"ingest"), (&worker, "\"target\":\"worker")] {
        let log = process.log();
        assert!(log.contains(target) && log.contains("\"level\":\"DEBUG\""), "there is something to look through");
        said.hear("a log", log);
    }
    let failed: i64 = sqlx::query_scalar("SELECT count(*) FROM attempts WHERE result = 'failed' AND channel = 'email'")
        .fetch_one(&system.pool)
        .await
        .unwrap();
    assert!(failed > 10, "{failed} mails were tried in vain");
    said.holds_none_of(&secrets(&system));
    let reasons = system.dead_letters().await;
    for reason in ["store_rejected", "unidentified", "unparseable"] {
        assert!(reasons.iter().any(|known| known == reason), "{reasons:?}");
    }
    assert!(ingest.terminate().await.success() && worker.terminate().await.success());
    let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
    system.finish_with_dead_letters(&reasons).await;
}
