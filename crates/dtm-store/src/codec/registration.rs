//! A registration: one document for each branch, appended and never rewritten.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use dtm_core::model::{BranchId, BranchStatus, Op, Registration};

use super::CodecError;
use super::bytes::{BytesIn, BytesOut};
use super::document::{VERSION, from_text, to_text};

const NAME: &str = "registration";

/// The document of a registration.
///
/// # Errors
/// [`CodecError`] when it cannot be written as JSON.
pub fn encode_registration(registration: &Registration) -> Result<String, CodecError> {
    let (branch, data) = match registration {
        Registration::Tcc { branch_id, confirm, cancel, data } => {
            let branch_id = branch_id.as_str();
            (BranchOut::Tcc { branch_id, confirm, cancel, data: BytesOut(data) }, data)
        }
        Registration::Xa { branch_id, url, data } => {
            (BranchOut::Xa { branch_id: branch_id.as_str(), url, data: BytesOut(data) }, data)
        }
        Registration::Workflow { branch_id, op, status, data } => (
            BranchOut::Workflow {
                branch_id: branch_id.as_str(),
                op: op.as_str(),
                status: status.as_str(),
                data: BytesOut(data),
            },
            data,
        ),
    };
    to_text(NAME, &Out { v: VERSION, branch }, 200 + data.as_bytes().len() * 5 / 4)
}

/// The registration in a document.
///
/// # Errors
/// [`CodecError`] when it is not exactly a document of a known version.
pub fn decode_registration(text: &str) -> Result<Registration, CodecError> {
    let document: In<'_> = from_text(NAME, text, |document: &In<'_>| document.v)?;
    Ok(match document.branch {
        BranchIn::Tcc { branch_id, confirm, cancel, data } => Registration::Tcc {
            branch_id: read_id(&branch_id)?,
            confirm: confirm.into(),
            cancel: cancel.into(),
            data: data.0,
        },
        BranchIn::Xa { branch_id, url, data } => {
            Registration::Xa { branch_id: read_id(&branch_id)?, url: url.into(), data: data.0 }
        }
        BranchIn::Workflow { branch_id, op, status, data } => Registration::Workflow {
            branch_id: read_id(&branch_id)?,
            op: Op::parse(&op).map_err(|error| CodecError::new(NAME, error))?,
            status: BranchStatus::parse(&status).map_err(|error| CodecError::new(NAME, error))?,
            data: data.0,
        },
    })
}

fn read_id(text: &str) -> Result<BranchId, CodecError> {
    BranchId::parse(text).map_err(|error| CodecError::new(NAME, error))
}

#[derive(Debug, Serialize)]
struct Out<'a> {
    v: u32,
    branch: BranchOut<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum BranchOut<'a> {
    Tcc { branch_id: &'a str, confirm: &'a str, cancel: &'a str, data: BytesOut<'a> },
    Xa { branch_id: &'a str, url: &'a str, data: BytesOut<'a> },
    Workflow { branch_id: &'a str, op: &'a str, status: &'a str, data: BytesOut<'a> },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct In<'a> {
    v: u32,
    #[serde(borrow)]
    branch: BranchIn<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum BranchIn<'a> {
    Tcc {
        #[serde(borrow)]
        branch_id: Cow<'a, str>,
        #[serde(borrow)]
        confirm: Cow<'a, str>,
        #[serde(borrow)]
        cancel: Cow<'a, str>,
        data: BytesIn,
    },
    Xa {
        #[serde(borrow)]
        branch_id: Cow<'a, str>,
        #[serde(borrow)]
        url: Cow<'a, str>,
        data: BytesIn,
    },
    Workflow {
        #[serde(borrow)]
        branch_id: Cow<'a, str>,
        #[serde(borrow)]
        op: Cow<'a, str>,
        #[serde(borrow)]
        status: Cow<'a, str>,
        data: BytesIn,
    },
}
