//! What else an app does with a customer: delete, subscriptions, invitation, tags, orders.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Value, json};

use super::{assert_refused, assert_traced};
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

const UNKNOWN: &str = "The requested data does not exist.";

async fn serve() -> (Shop, Server, Known) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let bob = json!({ "email": "bob@example.com", "first_name": "Bob", "last_name": "Norman",
        "phone": "001467326483", "tags": "loyal,vip,new" });
    let known = server.app_customer(&bob).await;
    (shop, server, known)
}

impl Known {
    fn to(&self, rest: &str) -> String {
        format!("customers/{}{rest}.json", self.shopline)
    }
}

async fn delete(server: &Server, known: &Known) -> Answer {
    server.shopline(Method::DELETE, &known.to("")).send().await
}

#[tokio::test]
async fn a_deleted_customer_has_the_documented_answer_and_is_gone_in_both_shops() {
    let (shop, server, known) = serve().await;
    let answer = delete(&server, &known).await;
    assert_traced(&answer);
    assert_eq!(answer.ok(), example!("delete_response.synthetic.json"));
    assert_refused(&server.get_shopline(&known.shopline).await, 406, UNKNOWN);
    assert_eq!(server.get_medusa(&known.medusa).await.status, 404);
    let head = shop.head().await;
    assert_refused(&delete(&server, &known).await, 406, UNKNOWN);
    let update = server.update(&known.medusa, &json!({ "phone": "1" })).await;
    assert_eq!(update.status, 404);
    assert_eq!(shop.head().await, head);
    let types = shop.event_types(&known.stream).await;
    assert_eq!(types, ["CustomerCreated", "CustomerDeleted"]);
    // The e-mail and the phone are free again.
    let again = json!({ "email": "bob@example.com", "phone": "001467326483" });
    server.app_customer(&again).await;
}

#[tokio::test]
async fn a_repeated_delete_gets_its_first_answer() {
    let (shop, server, known) = serve().await;
    let delete = || {
        let call = server.shopline(Method::DELETE, &known.to(""));
        call.header("Idempotency-Key", "once").send()
    };
    let first = delete().await;
    assert_eq!(first.ok(), example!("delete_response.synthetic.json"));
    let head = shop.head().await;
    assert_eq!(delete().await.body, first.body);
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn subscriptions_are_listed_as_documented() {
    let (_shop, server, known) = serve().await;
    server
        .put(&known.shopline, &json!({ "accepts_marketing": true }))
        .await
        .ok();
    let list = async |ids: &str| {
        let path = format!("customers/subscribe.json?customer_ids={ids}");
        server.shopline(Method::GET, &path).send().await
    };
    let answer = list(&format!("{},1", known.shopline)).await.ok();
    let infos = answer["user_subscribe_info_list"].as_array().unwrap();
    let mut expected = example!("subscribe_query_response.synthetic.json");
    let expected = &mut expected["user_subscribe_info_list"][0];
    expected["customer_id"] = json!(known.shopline);
    expected["subscribe_time"] = infos[0]["subscribe_time"].clone();
    assert!(
        infos[0]["subscribe_time"]
            .as_str()
            .unwrap()
            .ends_with("+08:00")
    );
    assert_eq!(&infos[0], expected);
    // Nobody ever asked about the phone: no time.
    let phone = json!({ "customer_id": known.shopline, "status": 0,
        "subscribe_account": "001467326483", "subscribe_account_type": 1,
        "subscribe_channel": 3 });
    assert_eq!(infos[1..], [phone]);
    assert_refused(&list("").await, 422, "customer_ids is required");
    let many: Vec<_> = (0..251).map(|id| id.to_string()).collect();
    let refused = list(&many.join(",")).await;
    assert_refused(
        &refused,
        422,
        "customer_ids must not list more than 250 ids",
    );
}

#[tokio::test]
async fn an_invitation_moves_the_state_once() {
    let (shop, server, known) = serve().await;
    let invite = async |known: &Known| {
        server
            .shopline(Method::POST, &known.to("/send_invite"))
            .send()
            .await
    };
    let expected = json!({ "customer_invite": { "from": "no-reply@demo.myshopline.com",
        "to": "bob@example.com" } });
    assert_eq!(invite(&known).await.ok(), expected);
    let state = async |known: &Known| {
        server.get_shopline(&known.shopline).await.ok()["customer"]["state"].clone()
    };
    assert_eq!(state(&known).await, 2);
    let head = shop.head().await;
    assert_eq!(invite(&known).await.ok(), expected);
    assert_eq!(shop.head().await, head);
    let phone = server.app_customer(&json!({ "phone": "0012" })).await;
    assert_refused(
        &invite(&phone).await,
        422,
        "an invitation requires an email",
    );
    let registered = server.registered("r@example.com").await;
    let text = "the customer is registered or disabled";
    assert_refused(&invite(&registered).await, 422, text);
    assert_eq!(state(&registered).await, 3);
    let nobody = server.shopline(Method::POST, "customers/1/send_invite.json");
    assert_refused(&nobody.send().await, 406, UNKNOWN);
}

#[tokio::test]
async fn an_activation_url_is_the_customers_own() {
    let (shop, server, known) = serve().await;
    let other = server
        .app_customer(&json!({ "email": "o@example.com" }))
        .await;
    let head = shop.head().await;
    let url = async |known: &Known| {
        let path = known.to("/account_activation_url");
        let answer = server.shopline(Method::POST, &path).send().await.ok();
        answer["data"]["account_activation_url"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (bobs, others) = (url(&known).await, url(&other).await);
    let start = format!(
        "https://demo.myshopline.com/user/activate?id={}&token=",
        known.shopline
    );
    let token = bobs.strip_prefix(&start).unwrap();
    assert_eq!(token.len(), 43);
    assert!(!others.ends_with(token));
    assert_eq!(url(&known).await, bobs);
    assert_eq!(shop.head().await, head, "nothing happened");
    let registered = server.registered("r@example.com").await;
    let path = registered.to("/account_activation_url");
    let refused = server.shopline(Method::POST, &path).send().await;
    assert_refused(&refused, 422, "the customer is registered or disabled");
}

#[tokio::test]
async fn tags_are_removed_by_name() {
    let (shop, server, known) = serve().await;
    let remove = async |customer: &str, tags: Value| {
        let body = json!({ "user_id": customer, "tag_ids": tags });
        let call = server.shopline(Method::POST, "customer_tags_remove.json");
        call.json(&body).send().await
    };
    let answer = remove(&known.shopline, json!(["vip", "unknown"])).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let tags = async || server.get_shopline(&known.shopline).await.ok()["customer"]["tags"].clone();
    assert_eq!(tags().await, "loyal,new");
    let head = shop.head().await;
    remove(&known.shopline, json!(["vip"])).await.ok();
    assert_eq!(shop.head().await, head);
    remove(&known.shopline, json!(["new", "loyal"])).await.ok();
    assert_eq!(tags().await, "");
    assert_refused(&remove("1", json!(["vip"])).await, 406, UNKNOWN);
    let wrong = remove(&known.shopline, json!("vip")).await;
    assert_refused(&wrong, 400, "tag_ids must be an array of strings");
    let call = server.shopline(Method::POST, "customer_tags_remove.json");
    let missing = call.json(&json!({ "tag_ids": [] })).send().await;
    assert_refused(&missing, 422, "user_id is required");
}

#[tokio::test]
async fn a_customer_has_no_orders_yet() {
    let (_shop, server, known) = serve().await;
    let orders = async |known: &str, query: &str| {
        let path = format!("customers/{known}/orders.json{query}");
        server.shopline(Method::GET, &path).send().await
    };
    let answer = orders(&known.shopline, "?status=any&limit=100").await;
    assert_eq!(answer.ok(), json!({ "list": [] }));
    assert!(!answer.headers.contains_key("link"));
    let refused = orders(&known.shopline, "").await;
    assert_refused(&refused, 422, "status must be open, cancelled or any");
    let refused = orders(&known.shopline, "?status=any&limit=101").await;
    assert_refused(&refused, 422, "limit must be a number from 1 to 100");
    assert_refused(&orders("1", "?status=open").await, 406, UNKNOWN);
}
