//! The settings that hold wherever a worker's queue and database are.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use runtime::settings::{
    Description, Given, Noted, Problems, SettingsGroup as _, count, default, duration, listen, optional, or_default,
};
use secrecy::SecretString;
use shared::schedule::Schedule;

use crate::channel::email::{self, EmailSettings};
use crate::channel::log;
use crate::channel::merchant_webhook::{MerchantWebhookSettings, NAME as MERCHANT_WEBHOOK, http_url};
use crate::routing::Routing;
use crate::sources::Sources;

/// A shorter token could be guessed (bytes).
const API_TOKEN_MIN: usize = 16;

/// Settings of a worker, wherever its queue and its database are.
#[derive(Debug, Clone)]
pub struct WorkSettings {
    pub roles: Roles,
    pub limits: Limits,
    pub http: HttpSettings,
    /// Base address of ingest as providers see it; without it, where webhooks go is not checked.
    pub public_url: Option<String>,
    pub routing: Routing,
    pub sources: Sources,
    pub merchant_webhook: Option<MerchantWebhookSettings>,
    pub email: Option<EmailSettings>,
    /// How long a stop may take.
    pub shutdown_deadline: Duration,
}

runtime::settings! {
    /// How much at a time, and how long things may take.
    pub struct Limits under "Work" {
        /// Batches that are applied side by side, each on a channel of its own
        LANES => lanes: u16 = default("4", count(64)),
        /// Events in one transaction at most
        BATCH_MAX => batch_max: usize = default("100", count(1_000)),
        /// How long a batch that is not full waits for more events
        BATCH_LINGER => batch_linger: Duration = default("3ms", duration),
        /// Pauses between attempts to deliver; after the last attempt the delivery has failed
        DELIVERY_SCHEDULE => schedule: Schedule = default("5s,30s,2m,10m,1h,4h,12h", schedule),
        /// How long a delivery belongs to the relay that claimed it; longer than any attempt takes
        DELIVERY_LEASE => lease: Duration = default("60s", duration),
        /// How often the clock looks for deadlines that have passed
        CLOCK_INTERVAL => clock_interval: Duration = default("30s", duration),
        /// Requests to the providers' APIs at a time
        FETCH_CONCURRENCY => fetch_concurrency: usize = default("8", count(1_000)),
        /// Age at which a registered order that is not complete is looked up at its provider
        OVERDUE_AFTER => overdue_after: Duration = default("2m", duration),
        /// How often the worker searches for such orders
        SWEEP_INTERVAL => sweep_interval: Duration = default("60s", duration),
    }
}

runtime::settings! {
    /// The worker's own HTTP server.
    pub struct HttpSettings under "Health and API" {
        /// Address and port of /healthz, /readyz, /metrics and the shop's API
        WORKER_LISTEN => listen: SocketAddr = default("127.0.0.1:9090", listen),
        /// Bearer token of the shop's API under /v1 (at least 16 characters); without it there is no API
        API_TOKEN => api_token: Option<SecretString> = optional(api_token),
    }
}

runtime::settings! {
    /// The shop's own address and file.
    pub struct SiteSettings under "Work" {
        /// Base address of ingest as providers see it, such as https://hooks.shop.example; with it, the worker checks and
        /// sets where providers send webhooks
        PUBLIC_URL => public_url: Option<String> = optional(base_url),
        /// TOML file that says which actions go to which channel, which are left out, and which wait for the morning;
        /// without it, every action goes to every channel
        ROUTING_FILE => routing: Routing = or_default(routing),
    }
}

impl WorkSettings {
    /// Descriptions of all settings, in the order of the manual.
    pub fn list() -> Vec<Description> {
        [
            HttpSettings::list(),
            SiteSettings::list(),
            Limits::list(),
            MerchantWebhookSettings::list(),
            EmailSettings::list(),
        ]
        .concat()
    }

    /// Reads and checks every setting; the roles are all.
    pub fn read(
        given: &Given,
        sources: Result<Sources, Noted>,
        shutdown_deadline: Result<Duration, Noted>,
        problems: &mut Problems,
    ) -> Result<Self, Noted> {
        let limits = Limits::read(given, problems);
        let http = HttpSettings::read(given, problems);
        let site = SiteSettings::read(given, problems);
        let merchant_webhook = MerchantWebhookSettings::read_if_given(given, problems);
        let email = EmailSettings::read_if_given(given, problems);
        let attempts = [
            ("MERCHANT_WEBHOOK_TIMEOUT", merchant_webhook.iter().flatten().next().map(|settings| settings.timeout)),
            ("MAIL_TIMEOUT", email.iter().flatten().next().map(|settings| settings.smtp.timeout)),
        ];
        if let Ok(limits) = &limits {
            check_lease(limits.lease, attempts, problems)?;
        }
        let SiteSettings { public_url, routing } = site?;
        Ok(Self {
            roles: Roles::ALL,
            limits: limits?,
            http: http?,
            public_url,
            routing,
            sources: sources?,
            merchant_webhook: merchant_webhook?,
            email: email?,
            shutdown_deadline: shutdown_deadline?,
        })
    }
}

/// A delivery whose lease ends during an attempt is claimed and sent again.
fn check_lease(lease: Duration, attempts: [(&str, Option<Duration>); 2], problems: &mut Problems) -> Result<(), Noted> {
    let too_long = attempts.into_iter().filter(|(_, timeout)| timeout.is_some_and(|timeout| timeout >= lease));
    let wrong: Vec<_> =
        too_long.map(|(setting, _)| format!("it must be longer than {setting}, or deliveries are repeated")).collect();
    if wrong.is_empty() { Ok(()) } else { Err(problems.add_all("DELIVERY_LEASE", wrong)) }
}

impl Limits {
    /// Two batches: one in work and one on its way.
    pub fn prefetch(&self) -> u16 {
        u16::try_from(self.batch_max * 2).unwrap_or(u16::MAX)
    }
}

/// The parts of a worker, which may run together or apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Takes events from the queue and applies them.
    pub consume: bool,
    /// Delivers actions.
    pub relay: bool,
    /// Notices deadlines that pass.
    pub clock: bool,
    /// Asks the providers' APIs.
    pub fetch: bool,
}

impl Roles {
    pub const ALL: Self = Self { consume: true, relay: true, clock: true, fetch: true };
}

impl FromStr for Roles {
    type Err = String;

    /// Reads a list such as `consume,relay`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self { consume: false, relay: false, clock: false, fetch: false };
        for role in text.split(',').map(str::trim) {
            match role {
                "consume" => roles.consume = true,
                "relay" => roles.relay = true,
                "clock" => roles.clock = true,
                "fetch" => roles.fetch = true,
                other => return Err(format!("`{other}` is none of: consume, relay, clock, fetch")),
            }
        }
        Ok(roles)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = [(self.consume, "consume"), (self.relay, "relay"), (self.clock, "clock"), (self.fetch, "fetch")];
        let names: Vec<_> = roles.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

fn schedule(text: &str) -> Result<Schedule, String> {
    text.split(',').map(duration).collect::<Result<_, _>>().map(Schedule::new)
}

fn api_token(text: &str) -> Result<SecretString, String> {
    if text.len() < API_TOKEN_MIN {
        return Err(format!("it must have {API_TOKEN_MIN} characters or more"));
    }
    Ok(text.into())
}

fn base_url(text: &str) -> Result<String, String> {
    let url = http_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end with the path below which /webhooks is".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn routing(path: &str) -> Result<Routing, String> {
    let routing = Routing::load(Path::new(path))?;
    routing.check(&[log::NAME, MERCHANT_WEBHOOK, email::NAME])?;
    Ok(routing)
}
