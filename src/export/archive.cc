#include "export/archive.h"

#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/MemoryBuffer.h>

#include "base/error.h"

namespace dovetail::exporter {

std::vector<std::byte> archive_of(const std::string& name, const std::vector<std::byte>& object) {
  const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
  llvm::NewArchiveMember member(llvm::MemoryBufferRef(bytes, name));
  auto archive = llvm::writeArchiveToBuffer(member, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, /*Deterministic=*/true,
                                            /*Thin=*/false);
  if (!archive) {
    throw_error(ErrorKind::kInternal, "cannot archive {}: {}", name,
                llvm::toString(archive.takeError()));
  }
  const auto* begin = reinterpret_cast<const std::byte*>((*archive)->getBufferStart());
  return {begin, begin + (*archive)->getBufferSize()};
}

}  // namespace dovetail::exporter
