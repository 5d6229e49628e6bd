#include "survey/host_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "platforms/efi_variables.h"

namespace assay {

namespace {

constexpr std::string_view kDkms = "/var/lib/dkms";

class LayoutReader {
 public:
  LayoutReader(HostRoot& host, const std::string& release) : host_(host), release_(release) {}

  HostLayout read() && {
    add_key("/var/lib/shim-signed/mok/MOK.der", "/var/lib/shim-signed/mok/MOK.priv");
    read_dkms_keys();
    add_key("/var/lib/dkms/mok.pub", "/var/lib/dkms/mok.key");
    read_dkms_modules();
    read_os_release();
    layout_.enrolment_pending = EfiVariables(host_).exists("MokNew", kEfiShimLock);
    return std::move(layout_);
  }

 private:
  void add_key(const std::string& certificate_path, const std::string& key_path) {
    if (certificate_path.empty() || !known_.insert(certificate_path).second) return;
    const auto bytes = host_.bytes(certificate_path);
    if (!bytes) return;
    const auto certificates = parse_certificates(View(*bytes));
    if (!certificates || certificates->empty()) {
      host_.note(fmt::format("{} holds no certificate", certificate_path));
      return;
    }
    const bool has_key = !key_path.empty() && host_.exists(key_path);
    layout_.owners_keys.push_back(
        {certificate_path, has_key ? key_path : "", certificates->front()});
  }

  // Shell assignments: name=value or name="value". A value that the shell would have to work out
  // is passed over.
  void read_dkms_keys() {
    std::vector<std::string> files{"/etc/dkms/framework.conf"};
    for (const std::string& name : host_.list("/etc/dkms/framework.conf.d"))
      files.push_back("/etc/dkms/framework.conf.d/" + name);
    std::string certificate;
    std::string key;
    for (const std::string& file : files) {
      const std::string text = host_.text(file).value_or("");
      certificate = assigned(text, "mok_certificate").value_or(certificate);
      key = assigned(text, "mok_signing_key").value_or(key);
    }
    add_key(certificate, key);
  }

  static std::optional<std::string> assigned(std::string_view text, std::string_view name) {
    std::optional<std::string> value;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      if (!line.starts_with(name) || line.substr(name.size(), 1) != "=") continue;
      line.remove_prefix(name.size() + 1);
      if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') &&
          line.back() == line.front())
        line = line.substr(1, line.size() - 2);
      if (line.starts_with('/') && line.find('$') == line.npos) value = line;
    }
    return value;
  }

  void read_dkms_modules() {
    for (const std::string& name : host_.list(kDkms)) {
      for (const std::string& version : host_.list(fmt::format("{}/{}", kDkms, name))) {
        const std::string built = fmt::format("{}/{}/{}/{}", kDkms, name, version, release_);
        for (const std::string& arch : host_.list(built))
          for (const std::string& file : host_.list(fmt::format("{}/{}/module", built, arch)))
            layout_.dkms.push_back({name, version, file});
      }
    }
  }

  void read_os_release() {
    const std::string text = host_.text("/etc/os-release").value_or("");
    const auto says = [&](std::string_view word) {
      for (const std::string_view key : {"ID=", "ID_LIKE="}) {
        std::size_t at = text.find("\n" + std::string(key));
        at = text.starts_with(key) ? 0 : at;
        if (at == text.npos) continue;
        const std::size_t start = at == 0 ? 0 : at + 1;
        const std::string_view line =
            std::string_view(text).substr(start, text.find('\n', start) - start);
        if (line.find(word) != line.npos) return true;
      }
      return false;
    };
    if (says("debian") || says("ubuntu"))
      layout_.packages = PackageManager::apt;
    else if (says("fedora") || says("rhel"))
      layout_.packages = PackageManager::dnf;
    else if (says("suse"))
      layout_.packages = PackageManager::zypper;
  }

  HostRoot& host_;
  const std::string& release_;
  HostLayout layout_;
  std::set<std::string> known_;
};

}  // namespace

const DkmsModule* HostLayout::find_dkms(std::string_view file) const {
  // Compressed or not.
  const auto stem = [](std::string_view name) { return name.substr(0, name.find(".ko")); };
  const auto found = std::ranges::find_if(
      dkms, [&](const DkmsModule& one) { return stem(one.file) == stem(file); });
  return found == dkms.end() ? nullptr : &*found;
}

HostLayout read_host_layout(HostRoot& host, const std::string& release) {
  return LayoutReader(host, release).read();
}

}  // namespace assay
