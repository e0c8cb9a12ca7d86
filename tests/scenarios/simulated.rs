//! The simulated providers keep to the documents: else what is tested against them proves nothing. No container here.

use std::time::{Duration, Instant};

use chrono::Utc;
use harness::broker::http_client;
use harness::simulated::airalo::{self, notify};
use harness::simulated::airtm::{self, Direction, Payment};
use harness::simulated::limits::{Limit, Limits};
use harness::simulated::{
    Airalo, Airtm, EsimAccess, Outcome, Reply, SimplifyTrip, Yoni, esim_access, simplifytrip, yoni,
};
use reqwest::{Client, RequestBuilder, Response};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const ICCID: &str = "8944465400000267221";
const CODE: &str = "LPA:1$rsp.example.com$K2-TEST";

async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// Asks until it is told that it asks too often.
async fn refused(request: impl Fn() -> RequestBuilder) -> Response {
    for _ in 0..5000 {
        let response = request().send().await.unwrap();
        if response.status() == 429 {
            return response;
        }
    }
    panic!("never refused")
}

fn retry_after(response: &Response) -> u64 {
    response.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

async fn token(client: &Client, airalo: &Airalo) -> String {
    let form = format!(
        "client_id={}&client_secret={}&grant_type=client_credentials",
        airalo::CLIENT_ID,
        airalo::CLIENT_SECRET
    );
    let (status, body) = read(token_request(client, airalo, form)).await;
    assert_eq!(status, 200, "{body}");
    body["data"]["access_token"].as_str().unwrap().to_owned()
}

fn token_request(client: &Client, airalo: &Airalo, form: String) -> RequestBuilder {
    let request = client.post(format!("{}/v2/token", airalo.base_url()));
    request.header("content-type", "application/x-www-form-urlencoded").body(form)
}

/// A version 4, which is what the documents ask for.
fn request_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

fn esim_access_signed(
    client: &Client,
    provider: &EsimAccess,
    path: &str,
    body: &Value,
    secret: &str,
) -> RequestBuilder {
    let (timestamp, request_id, body) = (Utc::now().timestamp_millis().to_string(), request_id(), body.to_string());
    let signature = esim_access::sign(secret, &timestamp, &request_id, esim_access::ACCESS_CODE, body.as_bytes());
    client
        .post(format!("{}{}{path}", provider.base_url(), esim_access::BASE_PATH))
        .header("content-type", "application/json")
        .header("RT-AccessCode", esim_access::ACCESS_CODE)
        .header("RT-RequestID", request_id)
        .header("RT-Timestamp", timestamp)
        .header("RT-Signature", signature)
        .body(body)
}

fn yoni_signed(client: &Client, provider: &Yoni, path: &str, body: &Value) -> RequestBuilder {
    let timestamp = Utc::now().timestamp_millis().to_string();
    let sign = yoni::signature(&timestamp, path);
    let request = client.post(format!("{}{path}", provider.base_url())).json(body);
    request.header("appId", yoni::APP_ID).header("timestamp", timestamp).header("sign", sign)
}

#[test]
fn signatures_are_those_of_the_documents() {
    let signed = esim_access::sign(
        "1111",
        "1628670421",
        "4ce9d9cdac9e4e17b3a2c66c358c1ce2",
        "11111",
        br#"{"imsi":"326543826"}"#,
    );
    assert_eq!(signed, "7eb765e27df5373dea2dbc8c41a7d9557743e46c8054750f3d851b3fd01d0835");
    let pushed = notify::signature("test_secret", r#"{"qrcode_url":"https:\/\/example.com\/qr"}"#);
    assert!(pushed.starts_with("2f18d3a26a742ad939f8a6edcb43ce11108a4d2622a09f952c33bd17e211c06c"), "{pushed}");
}

#[test]
fn a_limit_holds_in_every_window_and_a_refusal_costs_nothing() {
    let (start, mut limits) = (Instant::now(), Limits::default());
    let mut ask = |ms| limits.admit(start + Duration::from_millis(ms), &[("", Limit::per_second(2))]);
    assert_eq!(ask(0).unwrap().remaining, 1);
    assert_eq!(ask(900).unwrap().remaining, 0);
    assert_eq!(ask(950).unwrap_err().retry_after_seconds, 1);
    assert!(ask(1000).is_ok(), "the first has left the window");
    assert!(ask(1100).is_err(), "the second has not");
}

#[tokio::test]
async fn airalo_issues_tokens_that_end() {
    let client = http_client();
    let airalo = Airalo::open().await;
    airalo.change(|world| world.orders.insert(9647, airalo::Order::completed(9647, "shop-1", Vec::new())));
    let order = |token: &str| client.get(format!("{}/v2/orders/9647", airalo.base_url())).bearer_auth(token);
    assert_eq!(read(order("made up")).await.0, 401);
    let wrong = format!("client_id={}&client_secret=wrong&grant_type=client_credentials", airalo::CLIENT_ID);
    let (status, body) = read(token_request(&client, &airalo, wrong)).await;
    assert_eq!((status, &body["meta"]["message"]), (401, &json!("Client authentication failed")));
    let good = token(&client, &airalo).await;
    assert_eq!(read(order(&good)).await.0, 200);
    airalo.change(airalo::Account::revoke_tokens);
    assert_eq!(read(order(&good)).await.0, 401);
    airalo.change(|world| world.token_lifetime = Duration::ZERO);
    assert_eq!(read(order(&token(&client, &airalo).await)).await.0, 401, "over before it began");
    let response = token_request(&client, &airalo, String::new()).send().await.unwrap();
    assert_eq!(response.status(), 429, "the fourth within a minute");
    assert!((1..=60).contains(&retry_after(&response)));
}

#[tokio::test]
async fn airalo_writes_an_order_and_its_esim() {
    let client = http_client();
    let airalo = Airalo::open().await;
    let sims = vec![airalo::Sim::new(11028, ICCID, "TEST")];
    airalo.change(|world| {
        world.orders.insert(9647, airalo::Order::completed(9647, "shop-1", sims));
        world.usage.insert(ICCID.to_owned(), airalo::Usage::active(767, 2048, "2022-01-01 00:00:00"));
    });
    let token = token(&client, &airalo).await;
    let get = |path: &str| client.get(format!("{}{path}", airalo.base_url())).bearer_auth(&token);
    let (_, order) = read(get("/v2/orders/9647?include=sims%2Cstatus")).await;
    assert_eq!(order["data"]["quantity"], 1);
    assert_eq!(order["data"]["validity"], "7");
    assert_eq!(order["data"]["status"]["slug"], "completed");
    assert_eq!(order["data"]["sims"][0]["lpa"], "lpa.airalo.com");
    assert_eq!(order["data"]["sims"][0]["qrcode"], "LPA:1$lpa.airalo.com$TEST");
    let (_, bare) = read(get("/v2/orders/9647")).await;
    assert!(bare["data"]["sims"].is_null(), "{bare}");
    let (_, found) = read(get("/v2/orders?filter%5Bdescription%5D=SHOP")).await;
    let (_, none) = read(get("/v2/orders?filter%5Bdescription%5D=shop-2")).await;
    assert_eq!((&found["meta"]["total"], &none["meta"]["total"]), (&json!(1), &json!(0)));
    let (_, sim) = read(get(&format!("/v2/sims/{ICCID}?include=order,order.status"))).await;
    assert_eq!(sim["data"]["simable"]["status"]["slug"], "completed");
    assert_eq!(
        read(get("/v2/sims/1/usage")).await.1,
        json!({"data":[],"meta":{"message":"messages.resource_not_found"}})
    );
    let refusal = refused(|| get(&format!("/v2/sims/{ICCID}/usage"))).await;
    assert_eq!(refusal.headers()["x-ratelimit-remaining"], "0");
    assert!(refusal.headers().contains_key("x-ratelimit-reset") && retry_after(&refusal) >= 1);
    assert_eq!(refusal.json::<Value>().await.unwrap(), json!({ "message": "Too Many Attempts." }));
}

#[tokio::test]
async fn airalo_pushes_to_who_answers_head() {
    let client = http_client();
    let (airalo, shop) = (Airalo::open().await, MockServer::start().await);
    let token = token(&client, &airalo).await;
    let post =
        |path: &str, body: &Value| client.post(format!("{}{path}", airalo.base_url())).bearer_auth(&token).json(body);
    let opt_in = json!({ "type": "webhook_low_data", "webhook_url": format!("{}/hook", shop.uri()) });
    let simulation = json!({ "event": "low_data_notification", "type": "data_90", "iccid": ICCID });
    assert_eq!(read(post("/v2/notifications/opt-in", &opt_in)).await.0, 422, "HEAD is answered with 404");
    let (status, body) = read(post("/v2/simulator/webhook", &simulation)).await;
    assert_eq!((status, &body["error"]), (400, &json!("User is not opted in")));
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(200)).mount(&shop).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&shop).await;
    let (status, body) = read(post("/v2/notifications/opt-in", &opt_in)).await;
    assert_eq!((status, &body["data"]["notification"]["type"]), (200, &json!("webhook_low_data")));
    let sent = read(post("/v2/simulator/webhook", &simulation)).await;
    assert_eq!(sent, (200, json!({ "success": "Notification sent" })));
    let received = shop.received_requests().await.unwrap().pop().unwrap();
    let text = String::from_utf8(received.body.clone()).unwrap();
    assert_eq!(received.headers["airalo-signature"], notify::signature(airalo::CLIENT_SECRET, &text));
    assert_eq!(received.body_json::<Value>().unwrap()["level"], "90%");
    assert_eq!(read(post("/v2/notifications/opt-out", &json!({ "type": "webhook_low_data" }))).await.0, 204);
    assert!(airalo.change(|world| world.notifications.is_empty()));
}

#[tokio::test]
async fn esim_access_checks_who_asks_and_says_when_to_ask_again() {
    let client = http_client();
    let provider = EsimAccess::open().await;
    let mut order = esim_access::Order::new("B1", vec![esim_access::Esim::allocated("T1", ICCID, CODE)]);
    order.allocating = true;
    provider.change(|world| world.orders.insert("B1".to_owned(), order));
    let query = json!({ "orderNo": "B1", "pager": { "pageNum": 1, "pageSize": 20 } });
    let ask = |body: &Value| esim_access_signed(&client, &provider, "/esim/query", body, esim_access::SECRET_KEY);
    let (status, body) = read(esim_access_signed(&client, &provider, "/esim/query", &query, "wrong")).await;
    assert_eq!((status, &body["success"], &body["errorCode"]), (200, &json!(false), &json!("101003")));
    assert_eq!(read(ask(&query)).await.1["errorCode"], "200010");
    provider.change(|world| world.orders.get_mut("B1").unwrap().allocating = false);
    let (_, body) = read(ask(&query)).await;
    assert_eq!(body["obj"]["esimList"][0]["ac"], CODE, "{body}");
    assert_eq!(read(ask(&json!({ "orderNo": "B1" }))).await.1["errorCode"], "200008", "no pager");
    let unknown = json!({ "orderNo": "B2", "pager": { "pageNum": 1, "pageSize": 20 } });
    assert_eq!(read(ask(&unknown)).await.1["errorCode"], "310272");
    let usage = json!({ "esimTranNoList": ["T1"] });
    let key_alone = || {
        let url = format!("{}{}/esim/usage/query", provider.base_url(), esim_access::BASE_PATH);
        client.post(url).header("RT-AccessCode", esim_access::ACCESS_CODE).json(&usage)
    };
    provider.change(|world| world.as_documented = true);
    assert!(retry_after(&refused(key_alone).await) >= 1);
    provider.change(|world| world.signed_only = true);
    let (_, body) = read(key_alone()).await;
    assert_eq!((&body["success"], &body["errorCode"]), (&json!("false"), &json!("000101")));
}

#[tokio::test]
async fn esim_access_saves_a_webhook_that_is_healthy() {
    let client = http_client();
    let (provider, shop) = (EsimAccess::open().await, MockServer::start().await);
    let ask = |path, body: &Value| esim_access_signed(&client, &provider, path, body, esim_access::SECRET_KEY);
    let webhook = json!({ "webhook": shop.uri() });
    assert_eq!(read(ask("/webhook/save", &webhook)).await.1["success"], false);
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&shop).await;
    assert_eq!(read(ask("/webhook/save", &webhook)).await.1["success"], true);
    let received = shop.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(received.body_json::<Value>().unwrap()["notifyType"], "CHECK_HEALTH");
    assert_eq!(read(ask("/webhook/query", &json!({}))).await.1["obj"]["webhook"], shop.uri());
}

#[tokio::test]
async fn yoni_verifies_the_path_and_writes_strings() {
    let client = http_client();
    let provider = Yoni::open().await;
    provider.change(|world| {
        world.orders.insert("Y1".to_owned(), yoni::Order::completed("Y1", ICCID, CODE));
        world.orders.insert("Y2".to_owned(), yoni::Order::processing("Y2"));
        let flow = yoni::Flow { total: "1024".to_owned(), usage: "407.00".to_owned() };
        world.flows.insert(ICCID.to_owned(), flow);
    });
    let (page, flow) = ("/v1/order/e-sim/page", "/v1/order/e-sim/flow");
    let query = json!({ "current": 1, "size": 10, "orderNo": "Y1" });
    let misplaced = yoni_signed(&client, &provider, flow, &query).build().unwrap().headers()["sign"].clone();
    let mut wrong = yoni_signed(&client, &provider, page, &query).build().unwrap();
    wrong.headers_mut().insert("sign", misplaced);
    let refused_body: Value = client.execute(wrong).await.unwrap().json().await.unwrap();
    assert_eq!(refused_body, json!({ "code": 401, "error": true, "msg": "Unauthorized", "success": false }));
    let (_, body) = read(yoni_signed(&client, &provider, page, &query)).await;
    assert_eq!((&body["code"], &body["data"]["total"]), (&json!(0), &json!(1)), "{body}");
    assert_eq!(body["data"]["records"][0]["result"], "COMPLETED");
    let used = json!({ "orderNo": "Y1", "iccid": ICCID });
    assert_eq!(
        read(yoni_signed(&client, &provider, flow, &used)).await.1["data"],
        json!({"total":"1024","usage":"407.00"})
    );
    let strange = json!({ "orderNo": "Y2", "iccid": ICCID });
    assert_eq!(read(yoni_signed(&client, &provider, flow, &strange)).await.1["code"], 400);
    provider.conduct().fail_next(1, yoni::busy());
    assert_eq!(read(yoni_signed(&client, &provider, page, &query)).await.1["code"], 102);
    assert_eq!(read(yoni_signed(&client, &provider, page, &query)).await.1["code"], 0);
    assert!(retry_after(&refused(|| yoni_signed(&client, &provider, flow, &used)).await) >= 1);
}

#[tokio::test]
async fn simplifytrip_tells_orders_and_esims() {
    let client = http_client();
    let provider = SimplifyTrip::open().await;
    let order = simplifytrip::Order::succeeded("7258736707", "track-1", &[(ICCID, CODE)]);
    provider.change(|world| {
        world.esims.insert(ICCID.to_owned(), simplifytrip::Esim::unused(ICCID, &order));
        world.orders.insert(order.id.clone(), order);
    });
    let url = |path: &str| format!("{}{path}", provider.base_url());
    let signed =
        |request: RequestBuilder, secret: &str| request.header("X-Api-Key", simplifytrip::API_KEY).bearer_auth(secret);
    let get = |path: &str, secret: &str| signed(client.get(url(path)), secret);
    let (status, body) = read(get("/api/v1/orders/7258736707", "sk_test_wrong")).await;
    assert_eq!((status, &body["statusCode"]), (401, &json!(401)), "{body}");
    let (_, body) = read(get("/api/v1/orders/track-1", simplifytrip::SECRET_KEY)).await;
    assert_eq!(body["items"][0]["eSims"][0]["activationCode"], "K2-TEST", "{body}");
    let (_, body) = read(get(&format!("/api/v1/products/esim/{ICCID}"), simplifytrip::SECRET_KEY)).await;
    assert_eq!(body["simStatus"]["planStatus"], "UNUSED", "{body}");
    assert_eq!(read(get("/api/v1/orders/1", simplifytrip::SECRET_KEY)).await.0, 404);
    // The limit on reading is too high to reach here; that on writing is not.
    let refusal = refused(|| signed(client.post(url("/api/v1/orders")), simplifytrip::SECRET_KEY)).await;
    assert!(retry_after(&refusal) >= 1);
    assert_eq!(refusal.json::<Value>().await.unwrap()["errorCode"], "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn airtm_tells_the_same_payment_in_two_generations() {
    let client = http_client();
    let airtm = Airtm::open().await;
    let (payin, payout) = (Uuid::now_v7(), Uuid::now_v7());
    airtm.change(|world| {
        let amount = Decimal::new(20_000, 2);
        world.payments.insert(payin, Payment::new(payin, Direction::Payin, "confirmed", amount));
        world.payments.insert(payout, Payment::new(payout, Direction::Payout, "completed", amount));
    });
    let get = |path: &str, secret: &str| {
        client.get(format!("{}{path}", airtm.base_url())).basic_auth(airtm::API_KEY, Some(secret))
    };
    assert_eq!(read(get(&format!("/operations/{payin}"), "wrong")).await.0, 401);
    let (_, operation) = read(get(&format!("/operations/{payin}"), airtm::API_SECRET)).await;
    assert_eq!((&operation["status"], &operation["operation_type"]), (&json!("CONFIRMED"), &json!("purchase")));
    assert_eq!(operation["amount"].to_string(), "200.00");
    assert_eq!(read(get("/operations/1", airtm::API_SECRET)).await.0, 422);
    let (status, body) = read(get(&format!("/operations/{}", Uuid::now_v7()), airtm::API_SECRET)).await;
    assert_eq!((status, &body["code"]), (404, &json!(352_015)));
    let (_, body) = read(get(&format!("/v2/payouts/{payout}"), airtm::API_SECRET)).await;
    assert_eq!(body["status"], "COMPLETED");
    assert_eq!(read(get(&format!("/v2/payins/{payout}"), airtm::API_SECRET)).await.0, 404);
    let refusal = refused(|| get(&format!("/v2/payins/{payin}"), airtm::API_SECRET)).await;
    assert!(retry_after(&refusal) >= 1);
    assert!(airtm.conduct().max_in_any_second() > 10, "{:?}", airtm.conduct().requests());
    assert_eq!(airtm.conduct().too_many(), 1);
}

#[tokio::test]
async fn a_provider_is_down_slow_or_breaks_off_as_told() {
    let client = http_client();
    let airtm = Airtm::open().await;
    let id = Uuid::now_v7();
    airtm.change(|world| {
        world.payments.insert(id, Payment::new(id, Direction::Payin, "confirmed", Decimal::TEN));
    });
    let ask = || {
        let request = client.get(format!("{}/operations/{id}", airtm.base_url()));
        request.basic_auth(airtm::API_KEY, Some(airtm::API_SECRET))
    };
    assert_eq!(read(ask()).await.0, 200);
    let conduct = airtm.conduct();
    conduct.down(true);
    assert!(ask().send().await.is_err(), "on a connection that was open before");
    assert!(ask().send().await.is_err(), "on a new one");
    assert!(conduct.turned_away() >= 2, "{}", conduct.turned_away());
    assert_eq!(conduct.requests().len(), 1, "nothing got through");
    conduct.down(false);
    conduct.slow(Duration::from_secs(600));
    assert!(ask().timeout(Duration::from_millis(200)).send().await.unwrap_err().is_timeout());
    assert_eq!(conduct.requests().last().unwrap().outcome, Outcome::Open);
    conduct.slow(Duration::ZERO);
    conduct.half(true);
    let response = ask().send().await.unwrap();
    assert_eq!(response.status(), 200, "the head arrives");
    assert!(response.bytes().await.is_err(), "the body does not");
    assert_eq!(conduct.requests().last().unwrap().outcome, Outcome::Cut(200));
    conduct.half(false);
    conduct.fail_next(2, Reply::json(503, &json!({})).with("retry-after", 7));
    assert_eq!(retry_after(&ask().send().await.unwrap()), 7);
    assert_eq!((read(ask()).await.0, read(ask()).await.0), (503, 200));
}
