// Params that a library does not package: from the caller's dictionary to what its kernels read.
#pragma once

#include <dovetail/runtime.h>

#include <memory>

namespace dovetail::runtime {

// Prepared params of one model, immutable; the executors that use them share them.
using PreparedParams = std::shared_ptr<const uint8_t>;

// kState when the library has them packaged; kValue names everything in `params` that does not fit.
// Names that the model does not have are passed over, so that one dictionary may serve several
// models.
PreparedParams prepare_params(const dv_model& model, const Params& params);

}  // namespace dovetail::runtime
