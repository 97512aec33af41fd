//! The extension module of the Python package `rusttorch`.
//!
//! | file | subject |
//! |---|---|
//! | `tensor`, `operators`, `index`, `convert` | the class `Tensor` |
//! | `function`, `call`, `value`, `tables` | the catalogue's ops as functions and methods |
//! | `autograd`, `random`, `optim`, `backends`, `io` | what the package's Python modules stand on |
//! | `dtype`, `device` | the classes of these names |
//! | `buffer`, `numpy`, `dlpack` | memory shared with other packages: the only files with `unsafe` |
//! | `error` | exceptions |

mod autograd;
mod backends;
mod buffer;
mod call;
mod convert;
mod device;
mod direct;
mod dlpack;
mod dtype;
mod error;
mod function;
mod index;
mod io;
mod module;
mod numpy;
mod operators;
mod optim;
mod random;
mod tables;
mod tensor;
mod value;

use pyo3::prelude::*;
use rusttorch::DType;

#[pymodule]
fn _rusttorch(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<tensor::PyTensor>()?;
    m.add_class::<dtype::PyDType>()?;
    m.add_class::<device::PyDevice>()?;
    m.add_class::<random::PyGenerator>()?;
    m.add_class::<optim::PyRule>()?;
    m.add("_Callable", module::class(py)?)?;
    m.add("LinAlgError", py.get_type::<error::LinAlgError>())?;
    for d in DType::ALL {
        m.add(d.name(), dtype::object(py, d)?)?;
    }
    macro_rules! functions {
        ($($module:ident::$name:ident),* $(,)?) => {
            $(
                let function = wrap_pyfunction!($module::$name, m)?;
                // As pickles name it, whichever wheel this module lies in.
                function.setattr("__module__", "rusttorch._rusttorch")?;
                m.add_function(function)?;
            )*
        };
    }
    functions!(
        autograd::is_grad_enabled,
        autograd::_set_grad_enabled,
        autograd::_grad,
        autograd::_record,
        backends::list,
        backends::current,
        backends::set_default,
        backends::_enter,
        backends::_leave,
        backends::report,
        backends::get_num_threads,
        backends::set_num_threads,
        dlpack::from_dlpack,
        dtype::promote_types,
        dtype::can_cast,
        dtype::_finfo,
        dtype::_iinfo,
        error::_panic,
        function::_op,
        function::_functions,
        function::_fields,
        function::_catalogue,
        io::_save,
        io::_load,
        io::_decode,
        io::_from_bytes,
        numpy::from_numpy,
        numpy::frombuffer,
        random::_default_generator,
    );
    autograd::watch_signals();
    function::add_methods(py)
}
