//! Airalo's commands: one subscription for each type of webhook.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use providers::airalo::subscriptions::{RegisteredUrl, Topic, Trial, find_all, opt_in, opt_out, read, simulate};
use secrecy::ExposeSecret as _;
use shared::origin::Provider;
use store::Store;

use super::arguments::{AiraloCommand, SourceArg};
use super::source_api::SourceApi;
use crate::provider_api::Apis;
use crate::sources::Sources;

pub async fn run_airalo(
    command: &AiraloCommand,
    store: &Arc<dyn Store>,
    sources: &Sources,
    public_url: &Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let apis = Apis::open(sources, store)?;
    let api = |source: &SourceArg| SourceApi::find(&apis, sources, public_url, &source.source, Provider::Airalo);
    match command {
        AiraloCommand::OptIn { source, types, levels } => subscribe(&api(source)?, types, levels, out).await,
        AiraloCommand::OptOut { source, types } => unsubscribe(&api(source)?, types, out).await,
        AiraloCommand::Status { source } => show(&api(source)?, out).await,
        AiraloCommand::Simulate { source, about, event, levels, iccid, here } => {
            let api = api(source)?;
            let webhook_url = if *here { Some(&api.ours()?.url) } else { None };
            let trial =
                Trial { topic: *about, warning: event.name(), level: *levels, iccid: iccid.as_deref(), webhook_url };
            let sent = api.send(&simulate(&trial)).await;
            sent.context("is the URL opted in, and does ingest answer there?")?;
            Ok(writeln!(out, "Airalo says that it sent it; it comes as a real one would")?)
        }
    }
}

async fn subscribe(api: &SourceApi<'_>, topics: &[Topic], levels: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    let ours = api.ours()?;
    let registered = read(&api.send(&find_all()).await?);
    for topic in if topics.is_empty() { Topic::ALL } else { topics } {
        let levels = if *topic == Topic::WebhookCreditLimit { levels } else { &[] };
        let is_there = |known: &RegisteredUrl| known.topic == *topic && ours.is(&known.url) && known.has_levels(levels);
        if registered.iter().any(is_there) {
            writeln!(out, "{:<22} goes to {} already; nothing was changed", topic.as_str(), ours.public)?;
            continue;
        }
        let sent = api.send(&opt_in(*topic, ours.url.expose_secret(), levels)).await;
        sent.with_context(|| format!("{topic}: Airalo tests the URL; does ingest answer there?"))?;
        writeln!(out, "{:<22} goes to {} now", topic.as_str(), ours.public)?;
    }
    Ok(())
}

async fn unsubscribe(api: &SourceApi<'_>, topics: &[Topic], out: &mut impl Write) -> anyhow::Result<()> {
    for topic in topics {
        api.send(&opt_out(*topic)).await.context(topic.as_str())?;
        writeln!(out, "{:<22} is not sent any more", topic.as_str())?;
    }
    Ok(())
}

async fn show(api: &SourceApi<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let registered = read(&api.send(&find_all()).await?);
    for topic in Topic::ALL {
        let url = registered.iter().find(|known| known.topic == *topic).map(|known| known.url.as_str());
        writeln!(out, "{:<22} goes {}", topic.as_str(), api.describe(url))?;
    }
    Ok(())
}
