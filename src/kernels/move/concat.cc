#include "kernels/move/concat.h"

#include "kernels/move/copy_part.h"

namespace dovetail::kernels {

std::vector<Call> concat_calls(const Request& request) {
  const int axis = request.node->as<ir::Concat>()->axis;
  const Layout& y = request.results[0];
  std::vector<Call> calls;
  ir::Dim start = 0;
  for (size_t k = 0; k < request.operands.size(); ++k) {
    const ir::Dim offset = start * y.strides[axis] * ir::size_of(y.dtype);
    calls.push_back(copy_part(request, static_cast<int>(k), offset));
    start += request.operands[k].shape[axis];
  }
  return calls;
}

}  // namespace dovetail::kernels
