#include "survey/trust_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace assay {

namespace {

// A release that may stand in a path: it came out of a file.
bool is_plain_release(std::string_view release) {
  constexpr std::size_t kLongest = 64;  // __NEW_UTS_LEN
  return !release.empty() && release.size() <= kLongest && release != "." && release != ".." &&
         std::ranges::all_of(release, [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
}

// Where a kernel of this release is installed, seen from `prefix` (a root folder, without '/' at
// the end).
std::vector<std::string> image_paths(const std::string& prefix, const std::string& release) {
  return {
      fmt::format("{}/lib/modules/{}/vmlinuz", prefix, release),
      fmt::format("{}/usr/lib/modules/{}/vmlinuz", prefix, release),
      fmt::format("{}/boot/vmlinuz-{}", prefix, release),
      fmt::format("{}/boot/vmlinux-{}", prefix, release),
  };
}

// The root folder that a module's path hangs under: "/mnt" of
// "/mnt/lib/modules/6.1.0/kernel/fs/ext4.ko".
std::optional<std::string> root_of(const std::string& path, const std::string& release) {
  const auto at = path.rfind("lib/modules/" + release + "/");
  if (at == path.npos || (at != 0 && path[at - 1] != '/')) return std::nullopt;
  std::string root = path.substr(0, at == 0 ? 0 : at - 1);
  if (root.ends_with("/usr")) root.resize(root.size() - 4);
  return at == 0 ? "." : root;
}

// A keyring as the kernel fills it at boot (certs/common.c): what it cannot parse it leaves out.
std::shared_ptr<const Keyring> load_keyring(
    const std::vector<std::shared_ptr<const PreparedCertificate>>& certificates,
    const Platform& platform, const std::string& source, Trust& trust) {
  auto ring = std::make_shared<Keyring>(".builtin_trusted_keys");
  for (const auto& certificate : certificates) {
    Walk walk(platform.kernel, {}, false);
    PrimitiveCache cache;
    CertificateState state;
    const Outcome bad = check_certificate(walk, *certificate, platform.signatures.crypto,
                                          platform.signatures.blocklist, cache, state);
    if (!bad.failed()) {
      ring->add({certificate, state, KeyState::good, true, source});
    } else {
      const Step& step = walk.steps()[static_cast<std::size_t>(bad.step)];
      trust.refused.push_back(fmt::format("{}: {} ({})", short_name(certificate->x509().subject),
                                          errno_name(bad.err), step.rule->id));
    }
  }
  return ring;
}

// A platform for the question whether a signature is good, and nothing else: no state, no further
// rings.
std::shared_ptr<const Trust> make_trust(
    const KernelId& kernel, std::string release,
    const std::vector<std::shared_ptr<const PreparedCertificate>>& certificates, TrustSource source,
    std::shared_ptr<const ImageTrust> image, const std::string& source_name) {
  auto trust = std::make_shared<Trust>();
  trust->source = source;
  trust->image = std::move(image);
  trust->platform.kernel = kernel;
  trust->platform.release = std::move(release);
  trust->platform.config.set("CONFIG_MODULE_SIG", "y");
  trust->platform.ring(Ring::secondary_trusted_keys) =
      load_keyring(certificates, trust->platform, source_name, *trust);
  return trust;
}

std::shared_ptr<const ImageTrust> image_trust(const Examined& artifact,
                                              const Result<SystemCertificates>& list) {
  auto trust = std::make_shared<ImageTrust>();
  trust->name = artifact.name;
  trust->container = artifact.container;
  trust->banner = artifact.image->banner;
  if (list) {
    trust->found_by = list->found_by;
    if (!list->banner.empty()) trust->banner = list->banner;
    for (const auto& der : list->certificates)
      trust->certificates.push_back(PreparedCertificate::own(der));
  } else {
    trust->error = with_path(list.error(), artifact.name);
  }
  trust->release = release_of_banner(trust->banner).value_or("");
  trust->kernel = kernel_of(trust->release, artifact.image->arch, std::nullopt);
  if (const auto variant = guess_variant(trust->banner)) trust->kernel.variant = *variant;
  return trust;
}

// Does the search of an image end with what it had found first?
bool says_the_same(const ImageTrust& proposed, const ImageTrust& image) {
  const auto same_bytes = [](const auto& a, const auto& b) {
    return std::ranges::equal(a->x509().raw.bytes(), b->x509().raw.bytes());
  };
  return !image.error && proposed.name == image.name && proposed.container == image.container &&
         proposed.banner == image.banner &&
         std::ranges::equal(proposed.certificates, image.certificates, same_bytes);
}

bool is_of_its_container(const ImageTrust& image, const std::string& container) {
  return image.container == container && !container.empty();
}

}  // namespace

KernelId kernel_of(std::string_view text, std::optional<Arch> arch,
                   std::optional<KernelVersion> version) {
  KernelId kernel;
  kernel.version = version.value_or(find_kernel_version(text).value_or(kAnchor72));
  kernel.variant = guess_variant(text).value_or(Variant::mainline);
  kernel.arch = arch.value_or(Arch::x86_64);
  return kernel;
}

std::shared_ptr<const ImageTrust> read_image_trust(const Examined& artifact, const Content& content,
                                                   const ProposeImage& propose) {
  OnListFound on_list_found;
  if (propose)
    on_list_found = [&](const SystemCertificates& list) { propose(image_trust(artifact, list)); };
  return image_trust(artifact, find_system_certificates(content, *artifact.image, on_list_found));
}

Result<std::shared_ptr<const ImageTrust>> open_image_trust(const std::string& path) {
  Found found;
  found.name = encode_name(path);
  found.path = path;
  found.inner_name = path;
  std::shared_ptr<const ImageTrust> trust;
  const auto examined =
      examine(std::move(found), false, {}, [&](const Examined& artifact, const Content& content) {
        if (artifact.image) trust = read_image_trust(artifact, content);
      });
  if (examined && examined->error) return std::unexpected(*examined->error);
  if (!trust) return std::unexpected(Error{Reason::image_unknown, {}, {}, encode_name(path)});
  return trust;
}

TrustBook::TrustBook(TrustOptions options, std::function<void(std::function<void()>)> run_later)
    : options_(std::move(options)), run_later_(std::move(run_later)) {}

void TrustBook::propose_image(std::shared_ptr<const ImageTrust> image) {
  const std::lock_guard lock(mutex_);
  proposed_.push_back(std::move(image));
  for (const Question& question : waiting_) prepare_for(proposed_.back(), question);
}

// Called with the mutex held.
void TrustBook::prepare_for(const std::shared_ptr<const ImageTrust>& image,
                            const Question& question) {
  if (!question.prepare || question.release.empty() || image->release != question.release ||
      !is_of_its_container(*image, question.container))
    return;
  run_later_([prepare = question.prepare, found = *trust_of(image)] { prepare(found); });
}

void TrustBook::add_image(std::shared_ptr<const ImageTrust> image) {
  const std::lock_guard lock(mutex_);
  for (const auto& proposed : proposed_)
    if (says_the_same(*proposed, *image)) image = proposed;
  images_.emplace(image->release, std::move(image));
  std::erase_if(waiting_, [this](const Question& question) { return try_answer(question); });
}

void TrustBook::add_config(const std::string& container, const std::string& release,
                           KernelConfig config) {
  const std::lock_guard lock(mutex_);
  configs_.insert_or_assign({container, release}, std::move(config));
}

Platform TrustBook::package_platform(const Trust& trust) const {
  Platform platform = trust.platform;
  platform.config = {};
  platform.secondary_is_complete = false;
  if (trust.image) {
    platform.name = "package of " + trust.image->name;
    const std::lock_guard lock(mutex_);
    const auto found = configs_.find({trust.image->container, trust.image->release});
    if (found != configs_.end()) platform.config = found->second;
  }
  platform.signatures = signatures_of(platform.config, Truth::unknown);
  return platform;
}

void TrustBook::no_more_images() {
  const std::lock_guard lock(mutex_);
  complete_ = true;
  std::erase_if(waiting_, [this](const Question& question) { return try_answer(question); });
}

void TrustBook::find(const Examined& artifact, std::function<void(TrustAnswer)> answer,
                     Prepare prepare) {
  Question question;
  question.container = artifact.container;
  question.path = artifact.path;
  question.answer = std::move(answer);
  question.prepare = std::move(prepare);
  if (artifact.module) {
    question.release = artifact.module->release();
    question.arch = artifact.module->arch;
  }
  if (options_.has_certificates || options_.image) {
    TrustAnswer found = [&] {
      const std::lock_guard lock(mutex_);
      return options_.has_certificates ? option_trust(question) : trust_of(options_.image);
    }();
    question.answer(std::move(found));
    return;
  }
  std::unique_lock lock(mutex_);
  if (const auto image = best_image(question)) {
    TrustAnswer found = trust_of(image);
    lock.unlock();
    question.answer(std::move(found));
    return;
  }
  if (try_answer(question)) return;
  for (const auto& proposed : proposed_) prepare_for(proposed, question);
  waiting_.push_back(std::move(question));
}

// The image of the same release in the same container. Once all images are known, one elsewhere in
// the run will do; for what does not say its release, the only image there is.
std::shared_ptr<const ImageTrust> TrustBook::best_image(const Question& question) const {
  std::shared_ptr<const ImageTrust> elsewhere;
  bool unique = true;
  const auto consider = [&](const std::shared_ptr<const ImageTrust>& image) -> bool {
    if (is_of_its_container(*image, question.container)) return true;
    if (elsewhere && elsewhere->release != image->release) unique = false;
    if (!elsewhere || elsewhere->error) elsewhere = image;
    return false;
  };
  if (!question.release.empty()) {
    const auto [first, last] = images_.equal_range(question.release);
    for (auto at = first; at != last; ++at)
      if (consider(at->second) && !at->second->error) return at->second;
    for (auto at = first; at != last; ++at)
      if (consider(at->second)) return at->second;
    return complete_ ? elsewhere : nullptr;
  }
  if (!complete_) return nullptr;
  std::shared_ptr<const ImageTrust> here;
  for (const auto& [release, image] : images_) {
    if (!consider(image)) continue;
    if (here && here->release != image->release) return nullptr;
    here = image;
  }
  if (here) return here;
  return unique ? elsewhere : nullptr;
}

// True when the question is answered, or on its way to be. Called with the mutex held: answers are
// queued.
bool TrustBook::try_answer(const Question& question) {
  if (const auto image = best_image(question)) {
    run_later_([answer = question.answer, found = trust_of(image)] { answer(found); });
    return true;
  }
  if (!complete_) return false;
  if (options_.use_host && is_plain_release(question.release) &&
      !asked_.contains(question.release)) {
    asked_.insert(question.release);
    run_later_(
        [this, release = question.release, path = question.path] { ask_host(release, path); });
  }
  if (asked_.contains(question.release) && !told_.contains(question.release)) return false;
  const std::string text =
      question.release.empty()
          ? "the artifact does not say which kernel it was built for"
          : fmt::format("no kernel image of release {} was found", encode_name(question.release));
  run_later_([answer = question.answer, text] { answer(fail(Reason::no_trust, {}, text)); });
  return true;
}

void TrustBook::ask_host(const std::string& release, const std::string& path) {
  std::vector<std::string> candidates;
  if (const auto root = root_of(path, release)) candidates = image_paths(*root, release);
  std::ranges::copy(image_paths("", release), std::back_inserter(candidates));
  std::shared_ptr<const ImageTrust> found;
  for (const std::string& candidate : candidates) {
    auto image = open_image_trust(candidate);
    if (!image || (*image)->release != release) continue;
    found = *image;
    if (!found->error) break;
  }
  const std::lock_guard lock(mutex_);
  told_.insert(release);
  if (found) images_.emplace(release, found);
  std::erase_if(waiting_, [this](const Question& question) { return try_answer(question); });
}

TrustAnswer TrustBook::trust_of(const std::shared_ptr<const ImageTrust>& image) {
  if (image->error) return std::unexpected(*image->error);
  auto& trust = by_image_[image.get()];
  if (!trust) {
    KernelId kernel = image->kernel;
    if (options_.version) kernel.version = *options_.version;
    trust = make_trust(kernel, image->release, image->certificates, TrustSource::image, image,
                       image->name);
  }
  return trust;
}

TrustAnswer TrustBook::option_trust(const Question& question) {
  KernelId kernel = kernel_of(question.release, question.arch, options_.version);
  if (options_.image) {
    kernel = options_.image->kernel;
    if (options_.version) kernel.version = *options_.version;
  }
  auto& trust = by_kernel_[fmt::format("{} {} {}", to_string(kernel.version),
                                       variant_name(kernel.variant), arch_name(kernel.arch))];
  if (!trust)
    trust = make_trust(kernel, "", options_.certificates, TrustSource::option, nullptr, "--trust");
  return trust;
}

}  // namespace assay
