//! What a shop wants told, and how early: the numbers that `decide` and the clock go by.

use crate::esim::Esim;

/// The shop's numbers. The default needs no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Shares of an allowance, in % used, at which a customer hears of it.
    pub low_data_percent: Vec<u8>,
    /// How many days before the end of a plan a customer hears of it.
    pub expiry_notice_days: Vec<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { low_data_percent: vec![50, 80, 90], expiry_notice_days: vec![3, 1] }
    }
}

impl Rules {
    /// The highest share to be told of that is reached when `used_percent` is used.
    pub fn threshold(&self, used_percent: u32) -> Option<u32> {
        self.low_data_percent.iter().map(|percent| u32::from(*percent)).filter(|percent| *percent <= used_percent).max()
    }

    /// The threshold that was reached of an allowance, in % used.
    pub(crate) fn low_data_threshold(&self, esim: &Esim, total_bytes: u64) -> Option<u32> {
        self.threshold(u32::from(*esim.reached_percent.get(&total_bytes)?))
    }

    pub fn tells_days(&self, days: u32) -> bool {
        self.expiry_notice_days.contains(&days)
    }
}
