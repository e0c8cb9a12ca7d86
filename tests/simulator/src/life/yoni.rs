//! A life at Yoni: one order, one message; very rarely two that contradict each other.

use super::Story;
use crate::dialect::yoni::{Absent, Order};

const PACKAGES: [(&str, &str); 3] =
    [("Malaysia, 1 Day, 1GB, 256kbps", "9.99"), ("Japan, 7 Days, 10GB", "21.50"), ("Europe, 30 Days, 50GB", "49")];

/// The last one is beyond the documented list, which ends in "…".
const CURRENCIES: [&str; 6] = ["1", "2", "3", "4", "5", "7"];

pub(super) fn tell(story: &mut Story) {
    let (package_name, price) = story.random.pick(&PACKAGES);
    let iccid = story.iccid();
    let completed = Order {
        order_no: story.ids.digits(21),
        currency: story.random.pick(&CURRENCIES),
        iccid,
        matching_id: story.ids.hex(16).to_uppercase(),
        package_code: format!("YN{}", story.ids.digits(13)),
        package_name,
        price,
        failed: None,
    };
    let absent = story.random.pick(&[Absent::Null, Absent::Empty, Absent::Missing, Absent::Named]);
    let failed = Order { failed: Some(absent), ..completed.clone() };
    let orders = match story.random.below(100) {
        0..12 => vec![failed],
        12..15 => vec![failed, completed],
        15..17 => vec![completed, failed],
        _ => vec![completed],
    };
    let mut at = story.born;
    for order in orders {
        at += story.seconds(2, 900);
        story.tell(at, order.body(), order.meaning(), order.inbox());
    }
}
