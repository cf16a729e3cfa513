#include "runtime/library_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace dovetail::runtime {
namespace {

using Bytes = std::span<const std::byte>;
constexpr size_t kLookedAt = 512;  // of the file's begin, to tell what it is

#if defined(__x86_64__)
constexpr uint16_t kThisMachine = 62;
#elif defined(__aarch64__)
constexpr uint16_t kThisMachine = 183;
#else
#error "add this machine's number of the ELF standard"
#endif

struct Header {  // Elf64_Ehdr
  unsigned char ident[16];
  uint16_t type;
  uint16_t machine;
  uint32_t version;
  uint64_t entry;
  uint64_t program_headers;
  uint64_t section_headers;
  uint32_t flags;
  uint16_t header_size;
  uint16_t program_header_size;
  uint16_t num_program_headers;
  uint16_t section_header_size;
  uint16_t num_section_headers;
  uint16_t names_section;
};
struct Segment {  // Elf64_Phdr
  uint32_t type;
  uint32_t flags;
  uint64_t offset;
  uint64_t address;
  uint64_t physical_address;
  uint64_t file_size;
  uint64_t memory_size;
  uint64_t alignment;
};
constexpr int kClass = 4, kData = 5;  // places in ident
constexpr unsigned char kClass64 = 2, kLittleEndian = 1;
enum FileType : uint16_t { kRelocatable = 1, kProgram = 2, kShared = 3, kCore = 4 };
constexpr uint32_t kLoad = 1;
constexpr uint32_t kDynamic = 2;

bool begins(Bytes file, std::string_view magic) {
  return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
}

bool is_text(Bytes file) {
  return std::ranges::all_of(file, [](std::byte byte) {
    const auto code = std::to_integer<unsigned char>(byte);
    return code >= 0x20 ? code != 0x7f : (code >= '\t' && code <= '\r');
  });
}

// A ModelProto as every exporter writes it: ir_version as field 1, then a field that ModelProto
// has.
bool is_onnx(Bytes file) {
  constexpr std::string_view kNext("\x12\x1a\x22\x28\x32\x3a\x42", 7);
  if (file.size() < 4 || file[0] != std::byte{0x08}) return false;
  const auto version = std::to_integer<unsigned char>(file[1]);
  return version >= 1 && version <= 32 &&
         kNext.find(static_cast<char>(file[2])) != std::string_view::npos;
}

std::string machine_name(const Header& header) {
  switch (header.machine) {
    case 3:
      return "x86 of 32 bits";
    case 8:
      return "MIPS";
    case 20:
    case 21:
      return "PowerPC";
    case 22:
      return "s390";
    case 40:
      return "ARM of 32 bits";
    case 62:
      return header.ident[kClass] == kClass64 ? "x86-64" : "x32";
    case 183:
      return header.ident[kData] == kLittleEndian ? "aarch64" : "big-endian aarch64";
    case 243:
      return "RISC-V";
    case 258:
      return "LoongArch";
    default:
      return fmt::format("machine {} of the ELF standard", header.machine);
  }
}

[[noreturn]] void refuse(const std::string& where, std::string_view what) {
  throw_error(ErrorKind::kValue, "{} is not a shared library: it is {}", where, what);
}

[[noreturn]] void refuse_foreign_form(Bytes file, const std::string& where) {
  if (file.empty()) refuse(where, "empty");
  if (begins(file, "!<arch>\n") || begins(file, "!<thin>\n")) {
    refuse(where, "a static archive; link it into the program and use Module::system_lib()");
  }
  if (begins(file, "MZ")) refuse(where, "a Windows library or program");
  if (begins(file, "\xcf\xfa\xed\xfe") || begins(file, "\xca\xfe\xba\xbe")) {
    refuse(where, "a macOS library or program");
  }
  if (begins(file, std::string_view("\0asm", 4))) refuse(where, "a WebAssembly module");
  if (begins(file, "PK\3\4")) refuse(where, "a zip archive");
  if (is_onnx(file)) {
    refuse(where,
           fmt::format("an ONNX model; compile it with: dovetail build {} -o LIBRARY.so", where));
  }
  if (is_text(file)) refuse(where, "text");
  refuse(where, "of no known form");
}

void check_type(const Header& header, const std::string& where) {
  switch (header.type) {
    case kShared:
      return;
    case kRelocatable:
      refuse(where, "an object file; link it into the program and use Module::system_lib()");
    case kProgram:
      refuse(where, "a program");
    case kCore:
      refuse(where, "a core dump");
    default:
      refuse(where, fmt::format("ELF of unknown type {}", header.type));
  }
}

void check_end(uint64_t offset, uint64_t bytes, uint64_t size, const std::string& where) {
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, bytes, &end)) {
    throw_error(ErrorKind::kValue, "{} is damaged: a part of it has no end", where);
  }
  if (end <= size) return;
  throw_error(ErrorKind::kValue, "{} is truncated: it has {} bytes of at least {}", where, size,
              end);
}

// The loader reads the dynamic section through memory: it must lie in a loaded segment.
bool is_loaded(const std::vector<Segment>& segments, const Segment& part) {
  return std::ranges::any_of(segments, [&](const Segment& loaded) {
    return loaded.type == kLoad && part.address >= loaded.address &&
           part.memory_size <= loaded.memory_size &&
           part.address - loaded.address <= loaded.memory_size - part.memory_size;
  });
}

void check_segments(const ReadBytes& read, const Header& header, uint64_t size,
                    const std::string& where) {
  if (header.program_header_size != sizeof(Segment)) {
    throw_error(ErrorKind::kValue, "{} is damaged: its program headers have {} bytes, not {}",
                where, header.program_header_size, sizeof(Segment));
  }
  check_end(header.program_headers, header.num_program_headers * sizeof(Segment), size, where);
  std::vector<Segment> segments(header.num_program_headers);
  read(header.program_headers, std::as_writable_bytes(std::span(segments)));
  bool dynamic = false;
  for (const Segment& part : segments) {
    check_end(part.offset, part.file_size, size, where);
    if (part.type == kDynamic) dynamic = is_loaded(segments, part);
  }
  if (!dynamic) throw_error(ErrorKind::kValue, "{} is damaged: no dynamic section", where);
}

}  // namespace

void check_library_file(const ReadBytes& read, uint64_t size, const std::string& where) {
  std::array<std::byte, kLookedAt> place;
  const Bytes begin = Bytes(place).first(read(0, place));
  if (!begins(begin,
              "\x7f"
              "ELF"))
    refuse_foreign_form(begin, where);
  check_end(0, sizeof(Header), begin.size(), where);
  Header header;
  std::memcpy(&header, begin.data(), sizeof header);
  check_type(header, where);
  const bool same_form = header.ident[kClass] == kClass64 && header.ident[kData] == kLittleEndian;
  if (header.machine != kThisMachine || !same_form) {
    Header here = header;
    here.machine = kThisMachine;
    here.ident[kClass] = kClass64;
    here.ident[kData] = kLittleEndian;
    throw_error(ErrorKind::kUnsupported, "{} is for {}; this program runs on {}", where,
                machine_name(header), machine_name(here));
  }
  check_segments(read, header, size, where);
  if (header.section_headers != 0) {  // absent in a file that was stripped of them
    check_end(header.section_headers,
              uint64_t{header.section_header_size} * header.num_section_headers, size, where);
  }
}

}  // namespace dovetail::runtime
