//! Signing in, the three proofs, and signing out.

mod guesses;
mod people;
mod proofs;
mod sessions;
mod strangers;

use devkit::http::{Answer, Call};
use hyper::{HeaderMap, Method};
use serde_json::json;

use crate::support::shop::{Server, Shop};

/// A proxy on this machine is believed.
const PROXY: [(&str, &str); 1] = [("TRUSTED_PROXIES", "127.0.0.0/8")];

impl Server {
    /// A request without any proof.
    fn without_proof(&self, method: Method, path: &str) -> Call {
        Call::new(method, &self.base, path)
    }

    fn login_at(&self, path: &str, email: &str, password: &str) -> Call {
        self.without_proof(Method::POST, path)
            .json(&json!({ "email": email, "password": password }))
    }

    /// Signs in over https: the cookie that a browser would send back.
    async fn session_cookie(&self, email: &str, password: &str) -> String {
        let answer = self
            .login_at("/admin/auth", email, password)
            .header("x-forwarded-proto", "https")
            .send()
            .await;
        answer.ok();
        cookie_of(&answer.headers).expect("a session has a cookie")
    }

    async fn bearer_token(&self, email: &str, password: &str) -> String {
        let answer = self.login_at("/admin/auth/token", email, password);
        let body = answer.send().await.ok();
        format!("Bearer {}", body["access_token"].as_str().unwrap())
    }

    /// Who these headers are, to `GET /admin/auth`.
    async fn who_am_i(&self, proofs: &[(&str, &str)]) -> Answer {
        self.with_proofs(Method::GET, "/admin/auth", proofs).await
    }

    async fn with_proofs(&self, method: Method, path: &str, proofs: &[(&str, &str)]) -> Answer {
        let call = self.without_proof(method, path);
        let call = proofs
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value));
        call.send().await
    }
}

fn cookie_of(headers: &HeaderMap) -> Option<String> {
    let cookie = headers.get("set-cookie")?.to_str().unwrap();
    Some(cookie.split(';').next().unwrap().to_owned())
}

async fn sessions(shop: &Shop) -> i64 {
    sqlx::query_scalar("select count(*) from medusa_sessions")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap()
}

/// Runs `ledger user` with a line of standard input: exit code, standard output, standard error.
async fn user(shop: &Shop, arguments: &[&str], line: &str) -> (i32, String, String) {
    shop.run(&[&["user"], arguments].concat(), line).await
}
