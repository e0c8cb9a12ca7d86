//! Which promise goes where, what is told at all, and when it may wait: the shop's file, with a default that needs none.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use runtime::settings::duration;
use serde::Deserialize;
use shared::action::{ActionKind, Audience};
use shared::envelope::Mode;
use shared::rules::Rules;

use crate::channel::email;

/// What can wait until the morning, unless the file says otherwise.
const CAN_WAIT: [ActionKind; 8] = [
    ActionKind::SimShipped,
    ActionKind::SimDelivered,
    ActionKind::EsimInstalled,
    ActionKind::EsimActivated,
    ActionKind::ExpiringSoon,
    ActionKind::ReturnApproved,
    ActionKind::ReturnRejected,
    ActionKind::PayoutSucceeded,
];

/// The shop's choices.
#[derive(Debug, Clone)]
pub struct Routing {
    pub rules: Rules,
    quiet_hours: Option<QuietHours>,
    /// How long an order that the shop registered may stay unheard of.
    pub silent_after: Duration,
    kinds: BTreeMap<ActionKind, Route>,
}

/// A time of the day in which what can wait is not sent; it may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QuietHours {
    from: NaiveTime,
    to: NaiveTime,
}

/// What the file says of one kind; what it leaves out is as the default has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    enabled: Option<bool>,
    channels: Option<Vec<String>>,
    can_wait: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    low_data_percent: Option<Vec<u8>>,
    expiry_notice_days: Option<Vec<u32>>,
    quiet_hours: Option<QuietHoursText>,
    silent_after: Option<String>,
    #[serde(default)]
    actions: BTreeMap<ActionKind, Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietHoursText {
    from: String,
    to: String,
}

impl Default for Routing {
    fn default() -> Self {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self {
            rules: Rules::default(),
            quiet_hours: Some(QuietHours { from: time(22), to: time(8) }),
            silent_after: Duration::from_secs(30 * 60),
            kinds: BTreeMap::new(),
        }
    }
}

impl Routing {
    /// Reads the file that `ROUTING_FILE` names.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let default = Self::default();
        let percents = file.low_data_percent.unwrap_or(default.rules.low_data_percent);
        if percents.iter().any(|percent| !(1..=99).contains(percent)) {
            return Err("low_data_percent: each must be from 1 to 99".to_owned());
        }
        let quiet_hours = match file.quiet_hours {
            Some(text) => QuietHours::parse(&text)?,
            None => default.quiet_hours,
        };
        let silent_after = match file.silent_after {
            Some(text) => duration(&text).map_err(|problem| format!("silent_after: {problem}"))?,
            None => default.silent_after,
        };
        Ok(Self {
            rules: Rules {
                low_data_percent: percents,
                expiry_notice_days: file.expiry_notice_days.unwrap_or(default.rules.expiry_notice_days),
            },
            quiet_hours,
            silent_after,
            kinds: file.actions,
        })
    }

    /// Of the channels that there are, those that the promise goes over. A test never reaches a customer by mail, and
    /// the operator's business is nobody else's.
    pub fn channels(&self, kind: ActionKind, mode: Mode, available: &[&'static str]) -> Vec<&'static str> {
        let route = self.kinds.get(&kind);
        if route.and_then(|route| route.enabled) == Some(false) {
            return Vec::new();
        }
        let is_for_customers = kind.audience() == Audience::Customer && mode == Mode::Live;
        let chosen = route.and_then(|route| route.channels.as_ref());
        let is_chosen = |name: &&str| chosen.is_none_or(|chosen| chosen.iter().any(|chosen| chosen == name));
        let suits = |name: &&str| *name != email::NAME || is_for_customers;
        available.iter().copied().filter(suits).filter(is_chosen).collect()
    }

    /// Says what is wrong with the names of channels, given those that there are.
    pub fn check(&self, known: &[&str]) -> Result<(), String> {
        for (kind, route) in &self.kinds {
            for name in route.channels.iter().flatten() {
                if !known.contains(&name.as_str()) {
                    return Err(format!("actions.{}: `{name}` is none of: {}", kind.as_str(), known.join(", ")));
                }
            }
        }
        Ok(())
    }

    /// Until when the promise should wait, if it is night where the customer is and it can.
    pub fn quiet_until(&self, kind: ActionKind, time_zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let can_wait = self.kinds.get(&kind).and_then(|route| route.can_wait);
        if !can_wait.unwrap_or_else(|| CAN_WAIT.contains(&kind)) {
            return None;
        }
        self.quiet_hours?.end(time_zone, now)
    }
}

impl QuietHours {
    /// `from` and `to` alike mean that there are none.
    fn parse(text: &QuietHoursText) -> Result<Option<Self>, String> {
        let time = |name: &str, text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .map_err(|_says_less| format!("quiet_hours.{name}: it must be HH:MM"))
        };
        let (from, to) = (time("from", &text.from)?, time("to", &text.to)?);
        Ok((from != to).then_some(Self { from, to }))
    }

    fn end(self, time_zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&time_zone);
        let time = local.time();
        let spans_midnight = self.from > self.to;
        let (in_evening, in_morning) = (time >= self.from, time < self.to);
        let is_quiet = if spans_midnight { in_evening || in_morning } else { in_evening && in_morning };
        if !is_quiet {
            return None;
        }
        let today = local.date_naive();
        let day = if spans_midnight && in_evening { today.checked_add_days(Days::new(1))? } else { today };
        // In the hour that a clock change skips there is no such time; then the night is over.
        time_zone.from_local_datetime(&day.and_time(self.to)).earliest().map(|end| end.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 3] = ["log", "merchant_webhook", "email"];

    #[test]
    fn the_default_tells_customers_everything_over_every_channel() {
        let routing = Routing::default();
        assert_eq!(routing.channels(ActionKind::EsimReady, Mode::Live, &ALL), ALL);
        assert_eq!(routing.channels(ActionKind::EsimReady, Mode::Test, &ALL), ["log", "merchant_webhook"]);
        assert_eq!(routing.channels(ActionKind::CreditLow, Mode::Live, &ALL), ["log", "merchant_webhook"]);
    }

    #[test]
    fn a_kind_can_be_turned_off_or_sent_elsewhere() {
        let text = r#"
            low_data_percent = [80]
            [actions.esim_installed]
            enabled = false
            [actions.low_data]
            channels = ["email"]
        "#;
        let routing = Routing::parse(text).unwrap();
        assert!(routing.channels(ActionKind::EsimInstalled, Mode::Live, &ALL).is_empty());
        assert_eq!(routing.channels(ActionKind::LowData, Mode::Live, &ALL), ["email"]);
        assert_eq!(routing.rules.threshold(79), None);
        assert_eq!(routing.rules.threshold(95), Some(80));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("low_data_percent = [0]", "low_data_percent"),
            ("[quiet_hours]\nfrom = \"25:00\"\nto = \"08:00\"", "quiet_hours.from"),
            ("[actions.esim_redy]\nenabled = true", "esim_redy"),
            ("silent_after = \"soon\"", "silent_after"),
            ("quiet = true", "quiet"),
        ] {
            let problem = Routing::parse(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
        let routing = Routing::parse("[actions.low_data]\nchannels = [\"pigeon\"]").unwrap();
        assert!(routing.check(&ALL).unwrap_err().contains("pigeon"));
    }

    #[track_caller]
    fn check_quiet(zone: Tz, now: &str, expected: Option<&str>) {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let until = Routing::default().quiet_until(ActionKind::EsimInstalled, zone, at(now));
        assert_eq!(until, expected.map(at), "{now}");
    }

    #[test]
    fn what_can_wait_waits_for_the_customers_morning() {
        check_quiet(Tz::Europe__Berlin, "2026-01-10T21:30:00Z", Some("2026-01-11T07:00:00Z"));
        check_quiet(Tz::Europe__Berlin, "2026-01-11T02:00:00Z", Some("2026-01-11T07:00:00Z"));
        check_quiet(Tz::Europe__Berlin, "2026-01-11T07:00:00Z", None);
        check_quiet(Tz::Asia__Tokyo, "2026-01-10T21:30:00Z", Some("2026-01-10T23:00:00Z"));
        check_quiet(Tz::UTC, "2026-01-10T12:00:00Z", None);
    }

    #[test]
    fn what_is_urgent_waits_for_nothing() {
        let night = "2026-01-10T23:30:00Z".parse().unwrap();
        assert_eq!(Routing::default().quiet_until(ActionKind::EsimReady, Tz::UTC, night), None);
        assert_eq!(Routing::default().quiet_until(ActionKind::LowData, Tz::UTC, night), None);
    }
}
