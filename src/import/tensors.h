// TensorProto -> ir::TensorData: raw bytes, typed fields and external files, of every element type
// that the graph IR has.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "import/file_bytes.h"
#include "ir/tensor.h"

namespace dovetail::import {

class Tensors {
 public:
  // External data lies in `folder` or below, nowhere else. The data of tensors that need no change
  // of form are references into `owner`.
  Tensors(std::filesystem::path folder, std::shared_ptr<const void> owner)
      : folder_(std::move(folder)), owners_(std::make_shared<Owners>()) {
    keep(std::move(owner));
  }

  // Tensors may lie in `owner` as well: in a node that was made from a function's.
  void keep(std::shared_ptr<const void> owner) { owners_->push_back(std::move(owner)); }

  // Sizes that contradict the shape, unknown forms and hostile shapes are kValue.
  ir::TensorData read(const onnx::TensorProto& tensor);

 private:
  using Owners = std::vector<std::shared_ptr<const void>>;

  ir::TensorData external(const onnx::TensorProto& tensor, ir::DType dtype,
                          std::vector<int64_t> shape, size_t size);
  std::filesystem::path inside(const std::string& location) const;

  std::filesystem::path folder_;
  std::shared_ptr<Owners> owners_;
  std::map<std::filesystem::path, FileBytes> files_;
};

}  // namespace dovetail::import
