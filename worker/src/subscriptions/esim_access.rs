//! eSIM Access's commands: one URL for all webhooks of the account.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use providers::esim_access::subscriptions::{find, read, set};
use secrecy::ExposeSecret as _;
use shared::origin::Provider;
use store::Store;

use super::arguments::{EsimAccessCommand, EsimAccessWebhook};
use super::source_api::SourceApi;
use crate::provider_api::Apis;
use crate::sources::Sources;

pub async fn run_esim_access(
    command: &EsimAccessCommand,
    store: &Arc<dyn Store>,
    sources: &Sources,
    public_url: &Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let apis = Apis::open(sources, store)?;
    let EsimAccessCommand::Webhook(command) = command;
    let (EsimAccessWebhook::Set { source } | EsimAccessWebhook::Show { source }) = command;
    let api = SourceApi::find(&apis, sources, public_url, &source.source, Provider::EsimAccess)?;
    let answer = api.send(&find()).await?;
    let registered = read(&answer);
    match command {
        EsimAccessWebhook::Show { .. } => Ok(writeln!(out, "webhooks go {}", api.describe(registered))?),
        EsimAccessWebhook::Set { .. } => set_url(&api, registered, out).await,
    }
}

async fn set_url(api: &SourceApi<'_>, registered: Option<&str>, out: &mut impl Write) -> anyhow::Result<()> {
    let ours = api.ours()?;
    if registered.is_some_and(|url| ours.is(url)) {
        writeln!(out, "webhooks go to {} already; nothing was changed", ours.public)?;
        return Ok(());
    }
    api.send(&set(ours.url.expose_secret())).await.context("it tests the URL; does ingest answer there?")?;
    let answer = api.send(&find()).await?;
    if read(&answer).is_some_and(|url| !ours.is(url)) {
        bail!("eSIM Access kept another URL: it tests a URL before it saves it; does ingest answer there?");
    }
    writeln!(out, "webhooks go to {} now", ours.public)?;
    Ok(())
}
