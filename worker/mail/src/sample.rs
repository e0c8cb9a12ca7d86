//! A sample action of each kind for customers, for previews and for the check of templates. Each is decided from a sample
//! state as any action is, so that a sample can't differ in form from an action. All names and numbers are invented.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use shared::Timestamp;
use shared::action::{Action, ActionKind, decide};
use shared::block::Latest;
use shared::contact::Contact;
use shared::esim::{Esim, Install, PlanStatus, ProfileStatus, Usage};
use shared::fact::{EntityKey, State};
use shared::order::{Order, OrderStatus, Product};
use shared::payment::{Direction, Payment, PaymentStatus};
use shared::return_request::{ReturnRequest, ReturnStatus};
use shared::rules::Rules;

use crate::brand::Brand;

/// The sample action of the kind; `None` if no sample state gives rise to one.
pub fn sample(kind: ActionKind) -> Option<&'static Action> {
    static SAMPLES: LazyLock<BTreeMap<ActionKind, Action>> = LazyLock::new(|| {
        let mut samples = BTreeMap::new();
        for (key, state) in states() {
            for action in decide(&key, &State::unknown(&key), &state, &Rules::default()) {
                samples.entry(action.kind).or_insert(action);
            }
        }
        samples
    });
    SAMPLES.get(&kind)
}

/// A customer with every value that a shop can register.
pub fn sample_contact(locale: &str) -> Contact {
    let (name, time_zone) = match locale.split('-').next() {
        Some("de") => ("Johanna Weiß", "Europe/Berlin"),
        Some("es") => ("Lucía Fernández", "Europe/Madrid"),
        Some("ja") => ("佐藤 美咲", "Asia/Tokyo"),
        _ => ("Alex Morgan", "Europe/London"),
    };
    Contact {
        email: "customer@example.com".to_owned(),
        name: Some(name.to_owned()),
        locale: Some(locale.to_owned()),
        time_zone: Some(time_zone.to_owned()),
        reference: Some("20481".to_owned()),
    }
}

/// A shop with every value that can be set.
pub fn sample_brand() -> Brand {
    Brand {
        name: "Wayfarer eSIM".to_owned(),
        color: "#0f5e5a".to_owned(),
        logo_url: None,
        support_email: Some("help@example.com".to_owned()),
        support_url: Some("https://example.com/help".to_owned()),
        top_up_url: Some("https://example.com/top-up".to_owned()),
        legal: Some("Wayfarer Ltd, 1 Example Street, London".to_owned()),
    }
}

/// States that together give rise to every kind for customers; of one kind the first state counts.
fn states() -> impl Iterator<Item = (EntityKey, State)> {
    let esims = PlanStatus::ALL.iter().map(|plan| esim(*plan, 8_697_308_774)).chain([expiring()]);
    let esims = esims.map(|esim| (EntityKey::Esim(ESIM_REF.to_owned()), State::Esim(esim)));
    let orders = OrderStatus::ALL.iter().map(|status| order(*status));
    let orders = orders.map(|order| (EntityKey::Order(BOUGHT_ORDER_REF.to_owned()), State::Order(order)));
    let payments = Direction::ALL.iter().flat_map(|direction| {
        // A failed payment is told like a cancelled one.
        [PaymentStatus::Succeeded, PaymentStatus::Cancelled].map(|status| payment(*direction, status))
    });
    let payments = payments.map(|payment| (EntityKey::Payment(PAYMENT_REF.to_owned()), State::Payment(payment)));
    let returns = ReturnStatus::ALL.iter().map(|status| return_request(*status));
    let returns = returns.map(|state| (EntityKey::Return(RETURN_REF.to_owned()), State::Return(state)));
    esims.chain(orders).chain(payments).chain(returns)
}

const ESIM_REF: &str = "B26040206120003/8943108170001029645";
const BOUGHT_ORDER_REF: &str = "7258737044";
const PAYMENT_REF: &str = "2f6c1d84-7b0e-4a95-9c3d-5e8f1a2b4c6d";
const RETURN_REF: &str = "6741b9e4e65369e169a709c8";

fn known<T>(value: T) -> Latest<T> {
    Latest::claim(value, None)
}

fn text(text: &str) -> Latest<String> {
    known(text.to_owned())
}

/// 2026-05-02T06:20:00Z
const EXPIRES_AT: Option<Timestamp> = Timestamp::from_timestamp(1_777_702_800, 0);

fn esim(plan: PlanStatus, used_bytes: u64) -> Esim {
    Esim {
        order_ref: text("B26040206120003"),
        iccid: text("8943108170001029645"),
        plan: known(plan),
        profile: known(ProfileStatus::Enabled),
        package_name: text("Europe 10 GB, 30 days"),
        expires_at: Latest::maybe(EXPIRES_AT, None),
        install: known(install()),
        ..Esim::default()
    }
    .with_usage(Usage { total_bytes: 10_737_418_240, used_bytes }, None, None)
}

fn expiring() -> Esim {
    let notices = EXPIRES_AT.map(|expires_at| (expires_at, 3));
    Esim { expiry_notices: notices.into_iter().collect(), ..esim(PlanStatus::Active, 6_227_702_579) }
}

fn install() -> Install {
    Install {
        confirmation_code: Some("482913".to_owned()),
        apn: Some("plus.4g".to_owned()),
        pin: Some("1234".to_owned()),
        puk: Some("15095300".to_owned()),
        qr_code_url: Some("https://example.com/qr.png".to_owned()),
        apple_install_url: Some(
            "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P"
                .to_owned(),
        ),
        ..Install::new("LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P".to_owned())
    }
}

fn order(status: OrderStatus) -> Order {
    let (product, package_name) = match status {
        OrderStatus::Shipping | OrderStatus::Completed => {
            (Product::PhysicalSim, "Southeast Asia SIM (7 countries), data only, 3 days")
        }
        OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Failed | OrderStatus::Cancelled => {
            (Product::Esim, "Europe (39 countries), 10 GB, 30 days")
        }
    };
    let reason = (status == OrderStatus::Failed).then(|| "Out of stock".to_owned());
    Order {
        product: known(product),
        package_code: text("E23XY06GB08DFX"),
        package_name: text(package_name),
        amount: known(Decimal::new(950, 2)),
        currency: text("USD"),
        quantity: known(2),
        track_ref: text("5b8e2f60-93d7-4a1c-8f45-e07c1d9b6a32"),
        ..Order::with_status(&status.as_str().to_uppercase(), Some(status), reason, None)
    }
}

fn payment(direction: Direction, status: PaymentStatus) -> Payment {
    let (description, reason) = match direction {
        Direction::Payin => ("eSIM Europe 10 GB", None),
        Direction::Payout => ("Commission for March", Some("The user can't receive payments".to_owned())),
    };
    Payment {
        direction: known(direction),
        amount: known(Decimal::new(2490, 2)),
        code: text("order-20481"),
        payer_email: text("customer@example.com"),
        description: text(description),
        ..Payment::with_status(status.as_str(), Some(status), reason, None)
    }
}

fn return_request(status: ReturnStatus) -> ReturnRequest {
    ReturnRequest {
        order_ref: text(BOUGHT_ORDER_REF),
        return_type: text("partial"),
        refund_amount: known(Decimal::new(125, 1)),
        reason: text("Trip cancelled"),
        track_ref: text("R-1042"),
        ..ReturnRequest::with_status(status.as_str(), Some(status), None)
    }
}
