//! What the five providers send: one sample of each kind of webhook, renewed for every run, and signed as its provider
//! signs. It knows nothing of how we read or verify any of it, so that it can serve as a second opinion.

mod catalogue;
mod renewal;
mod signing;

pub use catalogue::{ALL, named};
pub use renewal::renewed;
pub use signing::{Credential, message_id, sign};

use chrono::{DateTime, TimeDelta, Utc};

/// One webhook body as a provider sends it, and what it takes to send it again as a new one.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The provider and the file's name: `airalo/credit_limit`.
    pub name: &'static str,
    pub source: Source,
    /// The body as it was documented or seen.
    pub body: &'static str,
    /// Samples of one story that share an id still share it when they are renewed for the same run.
    story: &'static str,
    /// What this sample calls what its story calls otherwise: (here, in the story).
    aliases: &'static [(&'static str, &'static str)],
    /// Where the newest time in the body lies when it is sent, seen from then.
    newest: TimeDelta,
}

/// The senders, each of which the demo's configuration has as a source under [`Source::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Airalo,
    EsimAccess,
    Yoni,
    SimplifyTrip,
    /// V1, unsigned.
    Airtm,
    /// V2, signed by Svix.
    AirtmV2,
}

impl Source {
    pub const ALL: [Self; 6] =
        [Self::Airalo, Self::EsimAccess, Self::Yoni, Self::SimplifyTrip, Self::Airtm, Self::AirtmV2];

    /// The source's name in the URL and in every row.
    pub fn name(self) -> &'static str {
        match self {
            Self::Airalo => "airalo",
            Self::EsimAccess => "esim-access",
            Self::Yoni => "yoni",
            Self::SimplifyTrip => "simplifytrip",
            Self::Airtm => "airtm",
            Self::AirtmV2 => "airtm-v2",
        }
    }

    /// The provider's name in the configuration of a source.
    pub fn provider(self) -> &'static str {
        match self {
            Self::Airalo => "airalo",
            Self::EsimAccess => "esim_access",
            Self::Yoni => "yoni",
            Self::SimplifyTrip => "simplifytrip",
            Self::Airtm | Self::AirtmV2 => "airtm",
        }
    }

    /// Where the source's webhooks go, below the address of ingest.
    pub fn path(self, credential: &Credential) -> String {
        match credential {
            Credential::Token(token) => format!("/webhooks/{}/{token}", self.name()),
            Credential::SigningSecret(_) => format!("/webhooks/{}", self.name()),
        }
    }

    /// Whether the provider signs; the others are told apart from strangers by a token in the URL.
    pub fn signs(self) -> bool {
        matches!(self, Self::Airalo | Self::SimplifyTrip | Self::AirtmV2)
    }
}

/// A sample made new: what to POST, and where.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Below the address of ingest: `/webhooks/{source}` or `/webhooks/{source}/{token}`.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Sample {
    /// The sample as its provider would send it at `now`; a `run` that was not used before gives it new ids.
    pub fn webhook(&self, credential: &Credential, run: &str, now: DateTime<Utc>) -> Webhook {
        let body = renewed(self, run, now);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(sign(self.source, credential, &body, &message_id(&format!("{run}\n{}", self.name)), now));
        Webhook { path: self.source.path(credential), headers, body }
    }
}
