#include "kernels/move/pad.h"

#include "kernels/move/copy_part.h"

namespace dovetail::kernels {

std::vector<Call> pad_calls(const Request& request) {
  const auto& pad = *request.node->as<ir::Pad>();
  const Layout& y = request.results[0];
  ir::Dim offset = 0;
  for (size_t i = 0; i < y.shape.size(); ++i)
    offset += pad.lo[i] * y.strides[i] * ir::size_of(y.dtype);
  return {fill_result(request, pad.value), copy_part(request, 0, offset)};
}

}  // namespace dovetail::kernels
