//! Where providers send their webhooks is set once, and shown without its secret path.

use std::sync::{Arc, Mutex};

use clap::Parser;
use harness::{Setup, System};
use runtime::settings::Flags;
use serde_json::{Value, json};
use store::Store;
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};
use worker::commands::{Command, CommandContext};
use worker::settings::{WorkerSettings, require_sources};

const TOKEN: &str = "hunter2-that-nobody-may-see";
const OURS: &str = "https://hooks.example/base/webhooks";

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    settings: Flags<WorkerSettings>,
}

/// A provider that keeps what it is told, and answers what `answer` makes of it.
struct Keeper {
    kept: Mutex<Vec<Value>>,
    answer: fn(&[Value]) -> Value,
}

/// The server's hold of it.
struct Serving(Arc<Keeper>);

impl Respond for Serving {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut kept = self.0.kept.lock().unwrap();
        match request.url.path() {
            "/v2/token" => {
                return ResponseTemplate::new(200).set_body_json(json!({ "data": { "access_token": "t" } }));
            }
            "/webhook/save" | "/v2/notifications/opt-in" if request.method == "POST" => {
                kept.push(request.body_json().unwrap());
            }
            "/v2/notifications/opt-out" => {
                let out: Value = request.body_json().unwrap();
                kept.retain(|one| one["type"] != out["type"]);
                return ResponseTemplate::new(204);
            }
            _ => {}
        }
        ResponseTemplate::new(200).set_body_json((self.0.answer)(&kept))
    }
}

struct Shop {
    system: System,
    server: MockServer,
    keeper: Arc<Keeper>,
    files: TempDir,
}

impl Shop {
    async fn open(answer: fn(&[Value]) -> Value) -> Self {
        let keeper = Arc::new(Keeper { kept: Mutex::default(), answer });
        let server = MockServer::start().await;
        Mock::given(wiremock::matchers::any()).respond_with(Serving(Arc::clone(&keeper))).mount(&server).await;
        let system = Setup::default().without_ingest().start().await;
        Self { system, server, keeper, files: TempDir::new().unwrap() }
    }

    /// The command line `line`, with this shop's settings.
    fn arguments(&self, line: &str) -> Vec<String> {
        let secret = self.files.path().join("secret");
        std::fs::write(&secret, TOKEN).unwrap();
        let (uri, secret) = (self.server.uri(), secret.display());
        let sources = format!(
            "[[source]]\nname = \"airalo\"\nprovider = \"airalo\"\n\
             api = {{ client_id = \"id\", client_secret = {{ file = \"{secret}\" }}, base_url = \"{uri}\" }}\n\
             [[source]]\nname = \"esim-access\"\nprovider = \"esim_access\"\ntoken = {{ file = \"{secret}\" }}\n\
             api = {{ access_code = {{ file = \"{secret}\" }}, base_url = \"{uri}\" }}\n"
        );
        let file = self.files.path().join("sources.toml");
        std::fs::write(&file, sources).unwrap();
        let provider = if line.starts_with("webhook") { "esim-access" } else { "airalo" };
        let line = format!(
            "worker --sources-file {} --public-url https://hooks.example/base/ {provider} {line}",
            file.display()
        );
        line.split(' ').map(str::to_owned).collect()
    }

    async fn run(&self, line: &str) -> String {
        let mut out = Vec::new();
        // Each command is a process of its own, which fetches a token: more often than Airalo would have it.
        sqlx::query("DELETE FROM api_limits").execute(&self.system.pool).await.unwrap();
        let Cli { command, settings } = Cli::parse_from(self.arguments(line));
        let given = settings.given();
        let context = CommandContext { given, sources: &|problems| require_sources(given, problems) };
        let store: Arc<dyn Store> = Arc::new(self.system.pool.clone());
        command.run(&store, &context, &mut out).await.unwrap();
        let told = String::from_utf8(out).unwrap();
        assert!(!told.contains(TOKEN), "{told}");
        told
    }

    fn kept(&self) -> Vec<Value> {
        self.keeper.kept.lock().unwrap().clone()
    }
}

/// As Airalo shows them.
fn notifications(kept: &[Value]) -> Value {
    let shown = kept
        .iter()
        .map(|one| json!({ "type": one["type"], "contact_point": one["webhook_url"], "levels": one["levels"] }));
    json!({ "data": { "notifications": shown.collect::<Vec<_>>() }, "meta": { "message": "success" } })
}

fn saved(kept: &[Value]) -> Value {
    let url = kept.last().map_or(json!("https://old.example/hook"), |last| last["webhook"].clone());
    json!({ "success": true, "errorCode": "0", "obj": { "webhook": url } })
}

#[tokio::test]
async fn opting_in_twice_changes_nothing_the_second_time() {
    let shop = Shop::open(notifications).await;
    let told = shop.run("opt-in --source airalo --levels 70,90").await;
    assert_eq!(told.matches(&format!("goes to {OURS}/airalo now")).count(), 3, "{told}");
    let url = format!("{OURS}/airalo");
    let expected = vec![
        json!({ "type": "async_orders", "webhook_url": url }),
        json!({ "type": "webhook_low_data", "webhook_url": url }),
        json!({ "type": "webhook_credit_limit", "webhook_url": url, "levels": [70, 90] }),
    ];
    assert_eq!(shop.kept(), expected);
    let told = shop.run("opt-in --source airalo --levels 90,70").await;
    assert_eq!(told.matches("already; nothing was changed").count(), 3, "{told}");
    assert_eq!(shop.kept(), expected);
    shop.run("opt-out --source airalo --type webhook_low_data").await;
    let told = shop.run("status --source airalo").await;
    assert_eq!((told.matches("goes here").count(), told.matches("goes nowhere").count()), (2, 1), "{told}");
    shop.system.finish().await;
}

#[tokio::test]
async fn airalo_is_asked_for_a_trial_by_the_names_that_it_knows() {
    let shop = Shop::open(notifications).await;
    Mock::given(method("POST"))
        .and(path("/v2/simulator/webhook"))
        .and(wiremock::matchers::body_json(json!({
            "event": "low_data_notification", "type": "expire_3", "iccid": "8910", "webhook_url": format!("{OURS}/airalo"),
        })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "success": "Notification sent" })))
        .with_priority(1)
        .expect(1)
        .mount(&shop.server)
        .await;
    shop.run("simulate --source airalo --type webhook_low_data --event expire_3 --iccid 8910 --here").await;
    shop.system.finish().await;
}

#[tokio::test]
async fn esim_accesss_url_is_set_once_and_its_token_is_not_shown() {
    let shop = Shop::open(saved).await;
    let told = shop.run("webhook show --source esim-access").await;
    assert!(told.contains("elsewhere: https://old.example/…"), "{told}");
    let told = shop.run("webhook set --source esim-access").await;
    assert!(told.contains(&format!("go to {OURS}/esim-access/… now")), "{told}");
    let told = shop.run("webhook set --source esim-access").await;
    assert!(told.contains("already; nothing was changed"), "{told}");
    assert_eq!(shop.kept(), [json!({ "webhook": format!("{OURS}/esim-access/{TOKEN}") })]);
    let told = shop.run("webhook show --source esim-access").await;
    assert!(told.contains("go here"), "{told}");
    shop.system.finish().await;
}
