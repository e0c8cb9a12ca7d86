//! What an operator may ask for, as arguments, and who answers it. The same for every edition.

use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, Subcommand};
use runtime::settings::{Given, Noted, Problems, WrongSettings, check};
use store::Store;
use uuid::Uuid;

use super::{Which, enable_endpoints, list_dead_letters, show_dead_letter, show_gaps};
use crate::settings::SiteSettings;
use crate::sources::Sources;
use crate::subscriptions::{self, AiraloCommand, EsimAccessCommand};
use crate::verify::{self, VerifyArgs};
use crate::why;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What could not become an event
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Tell what happened to something: each event, what it changed, each message and why it went or did not go
    Why {
        /// An ICCID, an order, an eSIM, a payment or a return
        reference: String,
    },
    /// Show which providers lose webhooks: the orders that were registered, and by whose word they became complete
    Gaps,
    /// Check that the tables are what the stored events say, and that no promise is missing; it changes nothing, and
    /// may run beside workers. Ends with 1 if something differs
    Verify(VerifyArgs),
    /// Endpoints that answered 410 Gone
    #[command(subcommand)]
    Endpoints(Endpoints),
    /// Where Airalo sends its webhooks
    #[command(subcommand)]
    Airalo(AiraloCommand),
    /// Where eSIM Access sends its webhooks
    #[command(subcommand)]
    EsimAccess(EsimAccessCommand),
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List those that wait, newest first
    List {
        /// Only those with this reason
        #[arg(long)]
        reason: Option<String>,
        /// Those already replayed, too
        #[arg(long)]
        all: bool,
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
    /// Show one whole, with its body
    Show { id: Uuid },
    /// Send through the door again
    Replay(Replay),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Replay {
    id: Option<Uuid>,
    /// All that wait with this reason
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Endpoints {
    /// Take the channel's endpoints into use again, and make its failed deliveries due
    Enable {
        #[arg(default_value = "merchant_webhook")]
        channel: String,
    },
}

/// Where commands find their settings; each reads only those that it needs.
pub struct CommandContext<'a> {
    pub given: &'a Given,
    /// Reads the sources.
    pub sources: &'a dyn Fn(&mut Problems) -> Result<Sources, Noted>,
}

impl Command {
    /// Whether it is a replay of dead letters, which needs the queue, too; and of which.
    pub fn replay(&self) -> Option<Which<'_>> {
        match self {
            Self::DeadLetters(DeadLetters::Replay(Replay { id, reason })) => Some(match (id, reason) {
                (Some(id), _) => Which::One(*id),
                (None, reason) => Which::Reason(reason.as_deref().unwrap_or_default()),
            }),
            _ => None,
        }
    }

    /// Carries it out, unless it is a replay, which [`super::replay_dead_letters`] does.
    pub async fn run(
        &self,
        store: &Arc<dyn Store>,
        context: &CommandContext<'_>,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        match self {
            Self::DeadLetters(DeadLetters::List { reason, all, limit }) => {
                list_dead_letters(&**store, reason.as_deref(), *all, *limit, out).await
            }
            Self::DeadLetters(DeadLetters::Show { id }) => show_dead_letter(&**store, *id, out).await,
            Self::DeadLetters(DeadLetters::Replay(_)) => Ok(()),
            Self::Why { reference } => Ok(why::print(&why::find(&**store, reference).await?, out)?),
            Self::Gaps => show_gaps(&**store, out).await,
            Self::Verify(args) => {
                let routing = check(|problems| SiteSettings::routing(context.given, problems))?;
                verify::run(&**store, &routing.rules, args, out, &mut io::stderr()).await
            }
            Self::Endpoints(Endpoints::Enable { channel }) => enable_endpoints(&**store, channel, out).await,
            Self::Airalo(command) => {
                let (sources, public_url) = context.subscriptions()?;
                subscriptions::run_airalo(command, store, &sources, &public_url, out).await
            }
            Self::EsimAccess(command) => {
                let (sources, public_url) = context.subscriptions()?;
                subscriptions::run_esim_access(command, store, &sources, &public_url, out).await
            }
        }
    }
}

impl CommandContext<'_> {
    /// The sources, and the base address of their webhooks.
    fn subscriptions(&self) -> Result<(Sources, Option<String>), WrongSettings> {
        check(|problems| {
            let sources = (self.sources)(problems);
            let public_url = SiteSettings::public_url(self.given, problems);
            Ok((sources?, public_url?))
        })
    }
}

impl std::fmt::Debug for CommandContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandContext").finish_non_exhaustive()
    }
}
