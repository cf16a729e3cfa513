// The bytes of a file with their owner.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace dovetail::import {

struct FileBytes {
  std::span<const std::byte> span;
  std::shared_ptr<const void> owner;
};

// kIo with the operating system's text when the file cannot be read.
FileBytes read_file(const std::filesystem::path& path);

}  // namespace dovetail::import
