//! Who speaks, how we came to hear of it, and whether it is real.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Airalo,
    EsimAccess,
    Yoni,
    Simplifytrip,
    Airtm,
}

impl Provider {
    pub const ALL: [Self; 5] = [Self::Airalo, Self::EsimAccess, Self::Yoni, Self::Simplifytrip, Self::Airtm];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Airalo => "airalo",
            Self::EsimAccess => "esim_access",
            Self::Yoni => "yoni",
            Self::Simplifytrip => "simplifytrip",
            Self::Airtm => "airtm",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether what an event says is real. A test event is stored like any other and never reaches a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Live,
    /// Ranked above live: what was once marked as a test stays one.
    Test,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// How an event came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Webhook,
    /// Fetched from the provider's API.
    Fetch,
    /// Our own deadline passed.
    Clock,
    /// A dead letter that an operator sent again.
    Replay,
}

impl Origin {
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Webhook, Self::Fetch, Self::Clock, Self::Replay].into_iter().find(|origin| origin.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Fetch => "fetch",
            Self::Clock => "clock",
            Self::Replay => "replay",
        }
    }
}
