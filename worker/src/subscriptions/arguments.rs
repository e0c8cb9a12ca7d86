//! What the commands about subscriptions are told on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use providers::airalo::subscriptions::Topic;

/// Airalo's webhooks: one subscription for each type, all to the same URL, as their bodies tell them apart
#[derive(Debug, Subcommand)]
pub enum AiraloCommand {
    /// Have webhooks sent to `PUBLIC_URL`; what is so already stays as it is
    OptIn {
        #[command(flatten)]
        source: SourceArg,
        /// Which webhooks; default: all
        #[arg(long = "type", value_parser = topic())]
        types: Vec<Topic>,
        /// At how many percent of the credit limit to be told: 50, 70, 80, 90
        #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=100))]
        levels: Vec<u8>,
    },
    /// Have no more webhooks of these types
    OptOut {
        #[command(flatten)]
        source: SourceArg,
        #[arg(long = "type", value_parser = topic(), required = true)]
        types: Vec<Topic>,
    },
    /// Show where webhooks go
    Status {
        #[command(flatten)]
        source: SourceArg,
    },
    /// Have a webhook sent as a trial; five a minute at most
    Simulate {
        #[command(flatten)]
        source: SourceArg,
        /// What it should be about
        #[arg(long = "type", value_parser = topic(), default_value = "async_orders")]
        about: Topic,
        /// `webhook_low_data`: what happened
        #[arg(long, value_enum, default_value = "data_75")]
        event: LowData,
        /// `webhook_credit_limit`: the level in percent
        #[arg(long, default_value = "80", value_parser = clap::value_parser!(u8).range(1..=100))]
        levels: u8,
        #[arg(long)]
        iccid: Option<String>,
        /// Send it to `PUBLIC_URL` even if that is not opted in
        #[arg(long)]
        here: bool,
    },
}

/// eSIM Access: one URL for all webhooks of the account
#[derive(Debug, Subcommand)]
pub enum EsimAccessCommand {
    #[command(subcommand)]
    Webhook(EsimAccessWebhook),
}

/// The URL that webhooks are sent to
#[derive(Debug, Subcommand)]
pub enum EsimAccessWebhook {
    /// Have webhooks sent to `PUBLIC_URL`; eSIM Access tests it at once
    Set {
        #[command(flatten)]
        source: SourceArg,
    },
    /// Show where webhooks go
    Show {
        #[command(flatten)]
        source: SourceArg,
    },
}

#[derive(Debug, Args)]
pub struct SourceArg {
    /// Its name in `SOURCES_FILE`
    #[arg(long)]
    pub(super) source: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LowData {
    #[value(name = "data_75")]
    Data75,
    #[value(name = "data_90")]
    Data90,
    #[value(name = "expire_1")]
    Expire1,
    #[value(name = "expire_3")]
    Expire3,
}

/// Reads the words of [`Topic`].
fn topic() -> impl TypedValueParser<Value = Topic> {
    PossibleValuesParser::new(Topic::ALL.iter().map(|topic| topic.as_str())).try_map(|word| word.parse::<Topic>())
}

impl LowData {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Data75 => "data_75",
            Self::Data90 => "data_90",
            Self::Expire1 => "expire_1",
            Self::Expire3 => "expire_3",
        }
    }
}
