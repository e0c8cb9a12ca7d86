//! The forms that the text of a setting may have.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Any text.
pub fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A path of the file system.
pub fn path(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

/// `200ms`, `5s`, `2m`, `1h`, `7d`: a whole number with its unit, longer than zero.
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

/// A whole number from 1 to `max`.
pub fn count<T: TryFrom<u64>>(max: u64) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let number = text.trim().parse::<u64>().ok().filter(|number| (1..=max).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("it must be a whole number from 1 to {max}"))
    }
}

/// An address to listen on.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_says_less| "it must be an IP address and a port, such as 127.0.0.1:8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_are_longer_than_zero() {
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
    fn a_count_is_within_its_bounds_and_its_type() {
        assert_eq!(count::<u8>(10)(" 3 "), Ok(3));
        for text in ["0", "11", "-1", "x", ""] {
            assert!(count::<u8>(10)(text).is_err(), "{text}");
        }
        assert!(count::<u8>(1_000)("300").is_err());
    }
}
