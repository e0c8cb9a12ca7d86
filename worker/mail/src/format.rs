//! Writes numbers, amounts, sizes and dates as a language, and a region of it, does. The patterns come from the language's
//! file of texts.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Offset as _, Timelike as _};
use chrono_tz::{OffsetName as _, Tz};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

/// Keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// Currencies without a smaller unit in use (ISO 4217, exponent 0).
const WHOLE: [&str; 9] = ["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"];

/// `{…}` in a pattern stands for a part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Format {
    months: [String; 12],
    date: String,
    date_time: String,
    decimal: String,
    group: String,
    /// Digits before the decimal mark, from which they are grouped: Spanish groups from five.
    group_from: usize,
    percent: String,
    money: String,
    money_code: String,
    symbols: BTreeMap<String, String>,
    /// Names of time zones where the language has its own for the abbreviation.
    zones: BTreeMap<String, String>,
}

/// The formats of a language and of its regions.
#[derive(Debug, Clone)]
pub(crate) struct Formats {
    base: Format,
    regions: BTreeMap<String, Format>,
}

impl Formats {
    /// Reads `[formats]`, where `[formats.regions.XX]` holds the differences of a region.
    pub(crate) fn read(mut table: toml::Table) -> Result<Self, toml::de::Error> {
        let regions = match table.remove("regions") {
            Some(toml::Value::Table(regions)) => regions,
            _ => toml::Table::new(),
        };
        let of_region = |(region, own): (String, toml::Value)| {
            let mut whole = table.clone();
            if let toml::Value::Table(own) = own {
                lay_over(&mut whole, own);
            }
            Ok((region, whole.try_into()?))
        };
        let regions = regions.into_iter().map(of_region).collect::<Result<_, _>>()?;
        Ok(Self { base: table.try_into()?, regions })
    }

    /// The format of a region, or the language's own.
    pub(crate) fn of(&self, region: Option<&str>) -> &Format {
        region.and_then(|region| self.regions.get(region)).unwrap_or(&self.base)
    }
}

/// Replaces in `below` the values that `above` has, table by table.
pub(crate) fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

impl Format {
    pub(crate) fn percent(&self, percent: u64) -> String {
        fill(&self.percent, &[("number", &percent.to_string())])
    }

    /// The amount, with its currency if that is a code of three letters.
    pub(crate) fn money(&self, amount: Decimal, currency: Option<&str>) -> String {
        let currency = currency.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
        let amount = amount.normalize();
        let is_whole = match currency {
            Some(code) => WHOLE.contains(&code),
            None => amount.is_integer(),
        };
        let places = if is_whole && amount.is_integer() { 0 } else { amount.scale().clamp(2, 8) };
        let number = self.number(amount.abs(), places);
        let written = match currency.map(|code| (code, self.symbols.get(code))) {
            Some((_, Some(symbol))) => fill(&self.money, &[("number", &number), ("symbol", symbol)]),
            Some((code, None)) => fill(&self.money_code, &[("number", &number), ("code", code)]),
            None => number,
        };
        let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
        format!("{sign}{written}")
    }

    /// In the units of the allowance `of` (powers of 1,000 or of 1,024), so that the rest of "5 GB" is written as the
    /// plan's name counts.
    pub(crate) fn bytes(&self, bytes: u64, of: u64) -> String {
        let is_decimal = of.is_multiple_of(1_000_000) && !of.is_multiple_of(1 << 20);
        let step: u128 = if is_decimal { 1_000 } else { 1_024 };
        let rounded = |times: u128, power: u32| (u128::from(bytes) * times + step.pow(power) / 2) / step.pow(power);
        // Below a GB, whole numbers say enough. A number that rounds up to the next unit is written in that.
        let (kb, mb, tenths_of_gb) = (rounded(1, 1), rounded(1, 2), rounded(10, 3));
        let (tenths, unit) = if tenths_of_gb >= step * 10 {
            (rounded(10, 4), "TB")
        } else if mb >= step {
            (tenths_of_gb, "GB")
        } else if kb >= step || bytes == 0 {
            (mb * 10, "MB")
        } else {
            (kb.max(1) * 10, "KB")
        };
        let number = Decimal::from(u64::try_from(tenths).unwrap_or(u64::MAX)) / Decimal::TEN;
        let number = self.number(number, number.normalize().scale());
        format!("{number}{NO_BREAK}{unit}")
    }

    pub(crate) fn date(&self, time: &DateTime<Tz>) -> String {
        let month = usize::try_from(time.month0()).ok().and_then(|month| self.months.get(month));
        let parts = [
            ("day", time.day().to_string()),
            ("month", month.cloned().unwrap_or_default()),
            ("year", time.year().to_string()),
        ];
        fill(&self.date, &parts.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    pub(crate) fn date_time(&self, time: &DateTime<Tz>) -> String {
        let (is_pm, hour12) = time.hour12();
        let parts = [
            ("date", self.date(time)),
            ("hour", format!("{:02}", time.hour())),
            ("hour12", hour12.to_string()),
            ("minute", format!("{:02}", time.minute())),
            ("am_pm", if is_pm { "PM" } else { "AM" }.to_owned()),
            ("zone", self.zone(time)),
        ];
        fill(&self.date_time, &parts.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    /// The zone's abbreviation, or its distance from UTC if it has none.
    fn zone(&self, time: &DateTime<Tz>) -> String {
        let abbreviation =
            time.offset().abbreviation().filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase()));
        if let Some(name) = abbreviation {
            return self.zones.get(name).cloned().unwrap_or_else(|| name.to_owned());
        }
        let minutes = time.offset().fix().local_minus_utc() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        if minutes == 0 { format!("UTC{sign}{hours}") } else { format!("UTC{sign}{hours}:{minutes:02}") }
    }

    /// `number` must not be negative.
    fn number(&self, number: Decimal, places: u32) -> String {
        let rounded = number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        let places = usize::try_from(places).unwrap_or_default();
        let plain = format!("{rounded:.places$}");
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut written = String::new();
        for (at, digit) in whole.chars().enumerate() {
            let to_come = whole.len() - at;
            if at > 0 && to_come % 3 == 0 && whole.len() >= self.group_from {
                written.push_str(&self.group);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push_str(&self.decimal);
            written.push_str(fraction);
        }
        written
    }
}

/// Puts the parts into a pattern.
fn fill(pattern: &str, parts: &[(&str, &str)]) -> String {
    let mut text = pattern.to_owned();
    for (name, value) in parts {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;
    use crate::built_in::LANGUAGES;

    fn of(locale: &str) -> Format {
        let (language, region) = locale.split_once('-').unwrap_or((locale, ""));
        let (_, source) = LANGUAGES.into_iter().find(|(tag, _)| *tag == language).unwrap();
        let mut file: toml::Table = toml::from_str(source).unwrap();
        let Some(toml::Value::Table(formats)) = file.remove("formats") else { unreachable!() };
        Formats::read(formats).unwrap().of(Some(region)).clone()
    }

    #[test]
    fn amounts_are_written_as_people_there_write_them() {
        let cases = [
            ("en", "1234.56", Some("EUR"), "€1,234.56"),
            ("en", "24.9", Some("USD"), "US$24.90"),
            ("en-US", "24.9", Some("USD"), "$24.90"),
            ("en", "-5", Some("GBP"), "-£5.00"),
            ("en", "205000", Some("VND"), "VND 205,000"),
            ("de", "1234.56", Some("EUR"), "1.234,56 €"),
            ("de-AT", "1234.56", Some("EUR"), "€ 1.234,56"),
            ("de-CH", "1234.5", Some("CHF"), "CHF 1’234.50"),
            ("es", "1234.56", Some("EUR"), "1234,56 €"),
            ("es", "12345.6", Some("EUR"), "12.345,60 €"),
            ("es-MX", "1234.56", Some("MXN"), "$1,234.56"),
            ("ja", "1234", Some("JPY"), "￥1,234"),
            ("ja", "9.5", Some("SGD"), "9.50 SGD"),
            ("en", "24.9", None, "24.90"),
            ("de", "205000", None, "205.000"),
            ("en", "9.99", Some("7"), "9.99"),
            ("en", "0.125", Some("USD"), "US$0.125"),
        ];
        for (locale, amount, currency, expected) in cases {
            let written = of(locale).money(Decimal::from_str(amount).unwrap(), currency);
            assert_eq!(written.replace(NO_BREAK, " "), expected, "{locale}");
        }
    }

    #[test]
    fn sizes_are_counted_as_the_plan_counts() {
        let gib: u64 = 1 << 30;
        let cases = [
            ("en", 50 * gib, 50 * gib, "50 GB"),
            ("en", 5_351_505_742, 50 * gib, "5 GB"),
            ("de", 3 * gib / 2, 5 * gib, "1,5 GB"),
            ("en", 2_500_000_000, 5_000_000_000, "2.5 GB"),
            ("es", 300 << 20, gib, "300 MB"),
            ("en", gib - 1, gib, "1 GB"),
            ("en", 0, gib, "0 MB"),
            ("ja", 10 << 10, gib, "10 KB"),
            ("en", 3, gib, "1 KB"),
            ("en", 2048 * gib, 2048 * gib, "2 TB"),
        ];
        for (locale, bytes, of_total, expected) in cases {
            assert_eq!(of(locale).bytes(bytes, of_total).replace(NO_BREAK, " "), expected, "{locale}");
        }
    }

    #[test]
    fn dates_are_long_and_in_the_readers_time() {
        let cases = [
            ("de", "Europe/Berlin", "14. März 2026, 15:04 Uhr (MEZ)"),
            ("de-AT", "Europe/Vienna", "14. März 2026, 15:04 Uhr (MEZ)"),
            ("en", "Europe/London", "14 March 2026, 14:04 (GMT)"),
            ("en-US", "America/New_York", "March 14, 2026, 10:04 AM (EDT)"),
            ("es", "Europe/Madrid", "14 de marzo de 2026, 15:04 (CET)"),
            ("es", "America/Sao_Paulo", "14 de marzo de 2026, 11:04 (UTC-3)"),
            ("ja", "Asia/Tokyo", "2026年3月14日 23:04（日本時間）"),
            ("ja", "UTC", "2026年3月14日 14:04（UTC）"),
            ("en", "Asia/Kathmandu", "14 March 2026, 19:49 (UTC+5:45)"),
        ];
        let time = DateTime::parse_from_rfc3339("2026-03-14T14:04:00Z").unwrap();
        for (locale, zone, expected) in cases {
            let time = time.with_timezone(&Tz::from_str(zone).unwrap());
            assert_eq!(of(locale).date_time(&time), expected, "{locale}");
        }
    }

    #[test]
    fn percentages_keep_their_sign() {
        let written = ["en", "de", "es", "ja"].map(|locale| of(locale).percent(80));
        assert_eq!(written, ["80%", "80\u{a0}%", "80\u{a0}%", "80%"]);
    }
}
