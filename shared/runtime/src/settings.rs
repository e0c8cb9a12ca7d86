//! Settings that arrive as text: every wrong one is told at once, by name, and nothing starts.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

/// Collects what is wrong with the settings.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

/// All that is wrong with the settings.
#[derive(Debug, Error)]
pub struct WrongSettings(Vec<String>);

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was started, because the settings are wrong:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a problem with the setting `name`.
    pub fn add(&mut self, name: &str, problem: impl fmt::Display) {
        self.0.push(format!("{name}: {problem}"));
    }

    /// The value, or `None` with the problem noted.
    pub fn take<T>(&mut self, name: &str, value: Result<T, impl fmt::Display>) -> Option<T> {
        value.map_err(|problem| self.add(name, problem)).ok()
    }

    /// The value of a setting that has no default, or `None` with the lack of it noted. Empty counts as missing.
    pub fn require(&mut self, name: &str, value: Option<String>) -> Option<String> {
        let value = value.filter(|value| !value.trim().is_empty());
        if value.is_none() {
            self.add(name, "it is required and not set");
        }
        value
    }

    /// `value`, if there is nothing wrong with any setting. `None` without a problem noted is a problem, too.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, WrongSettings> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.add("settings", "a value is missing");
                }
                Err(WrongSettings(self.0))
            }
        }
    }
}

/// Reads `200ms`, `5s`, `2m`, `1h`, `7d`: a whole number with its unit, more than nothing.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a duration such as 200ms, 5s, 2m, 1h or 7d".to_owned();
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_too_long| wrong())?;
    let milliseconds = match unit.trim_start() {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    match milliseconds.and_then(|factor: u64| number.checked_mul(factor)) {
        Some(0) => Err("it must be longer than nothing".to_owned()),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(wrong()),
    }
}

/// Reads a whole number from 1 to `max`.
pub fn count(text: &str, max: u64) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(number) if (1..=max).contains(&number) => Ok(number),
        _ => Err(format!("it must be a whole number from 1 to {max}")),
    }
}

/// Reads an address to listen on.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_says_less| "it must be an IP address and a port, such as 127.0.0.1:8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_are_more_than_nothing() {
        for (text, expected_ms) in
            [("200ms", 200), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), (" 7d ", 604_800_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected_ms)), "{text}");
        }
        for text in ["", "5", "s", "0s", "1.5s", "-1s", "5 weeks", "99999999999999999999s", "99999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once_by_name() {
        let mut problems = Problems::new();
        assert_eq!(problems.take("A", count("x", 10)), None);
        assert_eq!(problems.take("B", count("3", 10)), Some(3));
        assert_eq!(problems.require("C", Some(" ".to_owned())), None);
        let text = problems.finish(Some(())).unwrap_err().to_string();
        assert!(text.contains("A: it must be a whole number") && text.contains("C: it is required"), "{text}");
        assert!(!text.contains("B:"), "{text}");
    }
}
