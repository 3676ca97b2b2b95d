//! A registered function, without its types.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dtm_barrier::BranchError;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Workflow, codec};

/// A function from bytes to bytes.
#[derive(Clone)]
pub(crate) struct Handler(Arc<Function>);

type Function = dyn Fn(Workflow, Vec<u8>) -> Ended + Send + Sync;

/// The end of a function, to be awaited.
pub(crate) type Ended = BoxFuture<'static, Result<Vec<u8>, BranchError>>;

/// An input or result that is not of its type. Not a "no": the process that understands it may come later.
#[derive(Debug, thiserror::Error)]
#[error("the {what} of the workflow is no {wanted}")]
struct Unfit {
    what: &'static str,
    wanted: &'static str,
    source: serde_json::Error,
}

impl Handler {
    pub(crate) fn bytes<F, Fut>(function: F) -> Self
    where
        F: Fn(Workflow, Vec<u8>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, BranchError>> + Send + 'static,
    {
        Self(Arc::new(move |workflow, input| -> Ended { Box::pin(function(workflow, input)) }))
    }

    pub(crate) fn typed<F, Fut, I, O>(function: F) -> Self
    where
        F: Fn(Workflow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, BranchError>> + Send + 'static,
        I: DeserializeOwned,
        O: Serialize,
    {
        Self(Arc::new(move |workflow, input: Vec<u8>| -> Ended {
            let input = codec::decode(&input);
            let ended = input.map(|input| function(workflow, input));
            Box::pin(async move {
                let ended = ended.map_err(|source| unfit::<I>("input", source))?;
                let result = ended.await?;
                Ok(codec::encode(&result).map_err(|source| unfit::<O>("result", source))?)
            })
        }))
    }

    pub(crate) fn call(&self, workflow: Workflow, input: Vec<u8>) -> Ended {
        (self.0)(workflow, input)
    }
}

fn unfit<T>(what: &'static str, source: serde_json::Error) -> Unfit {
    Unfit { what, wanted: std::any::type_name::<T>(), source }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}
