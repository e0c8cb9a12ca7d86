//! `samples send`: posts every sample once to an ingest, as its provider would. `samples register`: says to a worker who
//! orders belong to, as a shop would.

use std::io::Write as _;
use std::time::SystemTime;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use samples::{ALL, Credential, Sample, Source, Webhook};
use serde::Deserialize;
use serde_json::json;

/// What the five providers send, for trying a system out.
#[derive(Debug, Parser)]
#[command(name = "samples", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Post every sample once. Prints a line for each, `status name event-id`, and fails if any was not answered 200.
    Send(Send),
    /// Tell a worker who orders belong to: made-up customers, each with another language.
    Register(Register),
}

#[derive(Debug, clap::Args)]
struct Register {
    /// Where the worker serves its API.
    #[arg(long, env = "WORKER_URL", default_value = "http://127.0.0.1:9090")]
    worker_url: String,
    #[arg(long, env = "API_TOKEN", hide_env_values = true)]
    api_token: String,
    /// The orders, each as source=reference.
    #[arg(required = true)]
    orders: Vec<String>,
}

/// (name, language), given to the orders in turn. No time zone: without one nothing waits for the customer's morning.
const CUSTOMERS: [(&str, &str); 4] = [("Emma", "en-GB"), ("Jonas", "de-DE"), ("Lucía", "es-MX"), ("Haruto", "ja-JP")];

/// The secrets are those of the sources that ingest is configured with.
#[derive(Debug, clap::Args)]
struct Send {
    /// Where ingest listens.
    #[arg(long, env = "INGEST_URL", default_value = "http://127.0.0.1:8080")]
    ingest_url: String,
    /// What the new ids are made from: the same run sends the same events again. Default: the time.
    #[arg(long, env = "SAMPLES_RUN")]
    run: Option<String>,
    #[arg(long, env = "AIRALO_CLIENT_SECRET", hide_env_values = true)]
    airalo_client_secret: String,
    #[arg(long, env = "ESIM_ACCESS_TOKEN", hide_env_values = true)]
    esim_access_token: String,
    #[arg(long, env = "YONI_TOKEN", hide_env_values = true)]
    yoni_token: String,
    #[arg(long, env = "SIMPLIFYTRIP_CHECKSUM_KEY", hide_env_values = true)]
    simplifytrip_checksum_key: String,
    #[arg(long, env = "AIRTM_TOKEN", hide_env_values = true)]
    airtm_token: String,
    #[arg(long, env = "AIRTM_V2_SIGNING_SECRET", hide_env_values = true)]
    airtm_v2_signing_secret: String,
}

impl Send {
    fn credential(&self, source: Source) -> Credential {
        match source {
            Source::Airalo => Credential::SigningSecret(self.airalo_client_secret.clone()),
            Source::EsimAccess => Credential::Token(self.esim_access_token.clone()),
            Source::Yoni => Credential::Token(self.yoni_token.clone()),
            Source::SimplifyTrip => Credential::SigningSecret(self.simplifytrip_checksum_key.clone()),
            Source::Airtm => Credential::Token(self.airtm_token.clone()),
            Source::AirtmV2 => Credential::SigningSecret(self.airtm_v2_signing_secret.clone()),
        }
    }
}

/// What ingest answers once a webhook is durable.
#[derive(Deserialize)]
struct Accepted {
    id: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Cli { command } = Cli::parse();
    // Fails only if there is a provider already, which would do as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    match command {
        Command::Send(settings) => send_all(&settings).await,
        Command::Register(settings) => register_all(&settings).await,
    }
}

async fn register_all(settings: &Register) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().build().context("setting up the HTTP client")?;
    for (order, (name, locale)) in settings.orders.iter().zip(CUSTOMERS.into_iter().cycle()) {
        let (source, reference) =
            order.split_once('=').with_context(|| format!("`{order}` is not source=reference"))?;
        let email = format!("{}@customer.example", name.to_lowercase().replace('í', "i"));
        let contact = json!({ "email": email, "name": name, "locale": locale });
        let url = format!("{}/v1/orders/{source}/{reference}/contact", settings.worker_url.trim_end_matches('/'));
        let request = client.put(url).bearer_auth(&settings.api_token).json(&contact);
        let status = request.send().await.with_context(|| format!("registering {order}"))?.status();
        ensure!(status.is_success(), "registering {order} was answered {status}");
        writeln!(std::io::stdout(), "{source:12} {reference:36} {email} ({locale})").context("printing")?;
    }
    Ok(())
}

async fn send_all(settings: &Send) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().build().context("setting up the HTTP client")?;
    let started_at = DateTime::<Utc>::from(SystemTime::now());
    let run = settings.run.clone().unwrap_or_else(|| started_at.timestamp_micros().to_string());
    let mut refused = 0;
    for sample in ALL {
        let now = SystemTime::now().into();
        let webhook = sample.webhook(&settings.credential(sample.source), &run, now);
        refused += u32::from(!post(&client, &settings.ingest_url, sample, webhook).await?);
    }
    ensure!(refused == 0, "{refused} of {} samples were not answered 200", ALL.len());
    Ok(())
}

/// Whether the sample was answered 200.
async fn post(client: &reqwest::Client, ingest_url: &str, sample: &Sample, webhook: Webhook) -> anyhow::Result<bool> {
    let mut request = client.post(format!("{}{}", ingest_url.trim_end_matches('/'), webhook.path));
    for (name, value) in webhook.headers {
        request = request.header(name, value);
    }
    let response = request.body(webhook.body).send().await.with_context(|| format!("posting {}", sample.name))?;
    let status = response.status();
    let answer = response.text().await.with_context(|| format!("reading the answer to {}", sample.name))?;
    let is_accepted = status == reqwest::StatusCode::OK;
    let said = if is_accepted {
        serde_json::from_str::<Accepted>(&answer).with_context(|| format!("reading the id of {}", sample.name))?.id
    } else {
        answer
    };
    writeln!(std::io::stdout(), "{} {:40} {said}", status.as_u16(), sample.name).context("printing")?;
    Ok(is_accepted)
}
