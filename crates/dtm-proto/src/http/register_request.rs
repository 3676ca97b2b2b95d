//! The body of `registerBranch`.

use serde::de::MapAccess;

use dtm_core::model::{BranchId, BranchStatus, Gid, Op, Payload, Registration};

use super::custom_data::base64;
use super::gid_request::strip_gid;
use super::json::{DecodeError, ENTRIES_MAX, Known, Path, read, value};
use super::limits::RequestLimits;
use super::request_error::{RequestError, word};
use super::url::check_url;

/// The body of `registerBranch` and its aliases: a flat object of strings (behaviour 21). What is missing or
/// `null` is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRequest {
    /// The name of the transaction, without the characters that DTM strips (behaviour 9).
    pub gid: String,
    /// `tcc`, `xa` or `workflow`; it decides which of the other fields count.
    pub trans_type: String,
    /// The id that the client gave the branch.
    pub branch_id: String,
    /// The payload of a tcc branch, the result of a workflow step.
    pub data: Payload,
    /// `data` as base64, for bytes that are no text; it wins over `data` (decision 18).
    pub bin_data: String,
    /// tcc: the URL that makes it final.
    pub confirm: String,
    /// tcc: the URL that undoes it.
    pub cancel: String,
    /// xa: the URL of phase two.
    pub url: String,
    /// workflow: which phase of the step it is.
    pub op: String,
    /// workflow: how the step ended. Others send it too, and it means nothing then.
    pub status: String,
}

impl RegisterRequest {
    /// A branch that a client in the same process registers.
    #[must_use]
    pub fn of(gid: &str, registration: &Registration) -> Self {
        let branch_id = registration.branch_id().to_string();
        let of = |trans_type: &str, data: &Payload| Self {
            gid: gid.to_owned(),
            trans_type: trans_type.to_owned(),
            branch_id,
            data: data.clone(),
            ..Self::empty()
        };
        match registration {
            Registration::Tcc { confirm, cancel, data, .. } => {
                Self { confirm: confirm.to_string(), cancel: cancel.to_string(), ..of("tcc", data) }
            }
            Registration::Xa { url, data, .. } => Self { url: url.to_string(), ..of("xa", data) },
            Registration::Workflow { op, status, data, .. } => {
                let (op, status) = (op.as_str().to_owned(), status.as_str().to_owned());
                Self { op, status, ..of("workflow", data) }
            }
        }
    }

    /// Reads a body. Keys are matched exactly, as DTM does here.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a JSON object, or when any value is neither a string nor `null`
    /// (behaviour 24).
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut request: Self = read("body", body)?;
        strip_gid(&mut request.gid);
        Ok(request)
    }

    /// The checked `gid`.
    ///
    /// # Errors
    /// [`RequestError`] when it is empty, too long or has a control character.
    pub fn gid(&self) -> Result<Gid, RequestError> {
        Ok(Gid::parse(&self.gid)?)
    }

    /// The branch that this request registers.
    ///
    /// # Errors
    /// [`RequestError`] naming the field and what is allowed.
    pub fn registration(&self, limits: &RequestLimits) -> Result<Registration, RequestError> {
        match self.trans_type.as_str() {
            "tcc" => Ok(Registration::Tcc {
                branch_id: self.parse_branch_id()?,
                confirm: checked("confirm", &self.confirm, limits)?.into(),
                cancel: checked("cancel", &self.cancel, limits)?.into(),
                data: self.payload()?,
            }),
            "xa" => Ok(Registration::Xa {
                branch_id: self.parse_branch_id()?,
                url: checked("url", &self.url, limits)?.into(),
                data: self.payload()?,
            }),
            "workflow" => Ok(Registration::Workflow {
                branch_id: self.parse_branch_id()?,
                op: Op::parse(word(&self.op))?,
                status: BranchStatus::parse(word(&self.status)).map_err(RequestError::BranchStatus)?,
                data: self.payload()?,
            }),
            other => Err(RequestError::UnknownRegistration(word(other).to_owned())),
        }
    }

    fn empty() -> Self {
        Self {
            gid: String::new(),
            trans_type: String::new(),
            branch_id: String::new(),
            data: Payload::empty(),
            bin_data: String::new(),
            confirm: String::new(),
            cancel: String::new(),
            url: String::new(),
            op: String::new(),
            status: String::new(),
        }
    }

    fn parse_branch_id(&self) -> Result<BranchId, RequestError> {
        Ok(BranchId::parse(&self.branch_id)?)
    }

    fn payload(&self) -> Result<Payload, RequestError> {
        if self.bin_data.is_empty() {
            return Ok(self.data.clone());
        }
        base64("bin_data", &self.bin_data)
    }
}

fn checked<'a>(field: &str, url: &'a str, limits: &RequestLimits) -> Result<&'a str, RequestError> {
    check_url(|| field.to_owned(), url, limits)?;
    Ok(url)
}

impl Known for RegisterRequest {
    const EXPECTED: &'static str = "a JSON object of strings";

    fn from_object<'de, A: MapAccess<'de>>(path: &Path<'_>, mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::empty();
        let mut entries = 0;
        while let Some(key) = map.next_key::<String>()? {
            entries += 1;
            if entries > ENTRIES_MAX {
                return Err(path.too_many(ENTRIES_MAX));
            }
            if key == "data" {
                it.data = value(&Path::Field(path, "data"), &mut map)?.unwrap_or_else(Payload::empty);
                continue;
            }
            let (path, field) = match key.as_str() {
                "gid" => (Path::Field(path, "gid"), Some(&mut it.gid)),
                "trans_type" => (Path::Field(path, "trans_type"), Some(&mut it.trans_type)),
                "branch_id" => (Path::Field(path, "branch_id"), Some(&mut it.branch_id)),
                "bin_data" => (Path::Field(path, "bin_data"), Some(&mut it.bin_data)),
                "confirm" => (Path::Field(path, "confirm"), Some(&mut it.confirm)),
                "cancel" => (Path::Field(path, "cancel"), Some(&mut it.cancel)),
                "url" => (Path::Field(path, "url"), Some(&mut it.url)),
                "op" => (Path::Field(path, "op"), Some(&mut it.op)),
                "status" => (Path::Field(path, "status"), Some(&mut it.status)),
                _ => (Path::Value(path), None),
            };
            let text: String = value(&path, &mut map)?.unwrap_or_default();
            if let Some(field) = field {
                *field = text;
            }
        }
        Ok(it)
    }
}
