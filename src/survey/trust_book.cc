#include "survey/trust_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "base/name.h"
#include "platforms/host_keyrings.h"
#include "platforms/installed_kernel.h"
#include "platforms/module_hashes_section.h"
#include "survey/modules_folder.h"
#include "survey/package_platform.h"
#include "trust/boot_state.h"

namespace assay {

namespace {

using ListedCertificates = std::vector<ListedCertificate>;

void append(ListedCertificates& out,
            const std::vector<std::shared_ptr<const PreparedCertificate>>& certificates,
            const std::string& source) {
  for (const auto& certificate : certificates) out.push_back({certificate, source});
}

// What people are told of the keys that were searched; `given` counts those of --trust.
std::string keys_name(const ImageTrust* image, std::size_t given) {
  std::string name;
  if (given != 0)
    name = fmt::format("the {} certificate{} given with --trust", given, given == 1 ? "" : "s");
  if (image != nullptr)
    name += fmt::format("{}.builtin_trusted_keys of {}", given != 0 ? " and " : "", image->name);
  return name;
}

std::shared_ptr<const Trust> make_trust(const KernelChoice& kernel, Platform platform,
                                        const ListedCertificates& certificates,
                                        std::shared_ptr<const ImageTrust> image,
                                        std::size_t given = 0) {
  auto trust = std::make_shared<Trust>();
  trust->image = std::move(image);
  trust->kernel = kernel;
  trust->platform = std::move(platform);
  if (trust->image) trust->platform.release = trust->image->release;
  trust->keys = BootKeyring(keys_name(trust->image.get(), given), certificates,
                            trust->platform.kernel, trust->platform.signatures);
  trust->platform.ring(Ring::secondary_trusted_keys) = trust->keys.fixed();
  return trust;
}

// The release in the name of a file, for an image whose banner could not be read.
std::string release_of_name(const Examined& artifact) {
  const std::string& name = artifact.inner_name;
  const std::string_view file_name = std::string_view(name).substr(name.rfind('/') + 1);
  for (const std::string_view start : {"vmlinuz-", "vmlinux-"})
    if (file_name.starts_with(start) && is_plain_release(file_name.substr(start.size())))
      return std::string(file_name.substr(start.size()));
  return artifact.folder ? artifact.folder->release : "";
}

std::string full_name(const std::string& path, const std::string& inner_name) {
  if (path.empty()) return "/" + inner_name;
  std::error_code error;
  return std::filesystem::absolute(path, error).lexically_normal().native();
}

std::shared_ptr<ImageTrust> image_trust(const Examined& artifact,
                                        const Result<SystemCertificates>& list, Standing standing) {
  auto trust = std::make_shared<ImageTrust>();
  trust->standing = standing;
  trust->name = artifact.name;
  trust->container = artifact.container;
  trust->path = artifact.path;
  trust->inner_name = artifact.inner_name;
  trust->place = full_name(trust->path, trust->inner_name);
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
  if (trust->release.empty()) trust->release = release_of_name(artifact);
  const std::string& clue = trust->banner.empty() ? trust->release : trust->banner;
  trust->kernel = choose_kernel({clue, artifact.image->arch, std::nullopt});
  return trust;
}

bool have_the_same_keys(const ImageTrust& one, const ImageTrust& other) {
  const auto same_bytes = [](const auto& a, const auto& b) {
    return std::ranges::equal(a->x509().raw.bytes(), b->x509().raw.bytes());
  };
  return !one.error && !other.error &&
         std::ranges::equal(one.certificates, other.certificates, same_bytes);
}

// Where an image lies, in the order in which one is believed to be the installed one.
enum class ImagePlace : std::uint8_t { boot_vmlinuz, boot_vmlinux, modules_folder, other };

// `root`: of the modules that ask; empty where they do not say, or in an archive.
ImagePlace place_of(const ImageTrust& image, const std::string& root) {
  const auto is_at = [&](const std::string& place) {
    if (!root.empty() || image.path.empty()) return image.place == root + place;
    return image.place.ends_with(place);
  };
  if (is_at("/boot/vmlinuz-" + image.release)) return ImagePlace::boot_vmlinuz;
  if (is_at("/boot/vmlinux-" + image.release)) return ImagePlace::boot_vmlinux;
  if (is_at("/lib/modules/" + image.release + "/vmlinuz") ||
      is_at("/usr/lib/modules/" + image.release + "/vmlinuz"))
    return ImagePlace::modules_folder;
  return ImagePlace::other;
}

// The image that is installed. images_ambiguous where several may be and their keys differ.
std::shared_ptr<const ImageTrust> choose_image(
    const std::vector<std::shared_ptr<const ImageTrust>>& images, const std::string& root) {
  std::shared_ptr<const ImageTrust> best;
  std::shared_ptr<const ImageTrust> rival;
  for (const auto& image : images) {
    const ImagePlace place = place_of(*image, root);
    const ImagePlace best_place = best ? place_of(*best, root) : place;
    // One that cannot be read stands back behind one in the same place that can.
    const bool is_better =
        !best || place < best_place || (place == best_place && best->error && !image->error);
    if (is_better) {
      best = image;
      rival = nullptr;
    } else if (place == best_place && !image->error && !have_the_same_keys(*best, *image)) {
      rival = image;
    }
  }
  if (!rival) return best;
  auto ambiguous = std::make_shared<ImageTrust>(*best);
  ambiguous->error = Error{
      Reason::images_ambiguous,
      {},
      fmt::format("{} and {}, release {}", best->name, rival->name, encode_name(best->release)),
      best->name};
  return ambiguous;
}

// Does the search of an image end with what it had found first?
bool says_the_same(const ImageTrust& proposed, const ImageTrust& image) {
  return proposed.name == image.name && proposed.container == image.container &&
         proposed.banner == image.banner && have_the_same_keys(proposed, image);
}

bool is_of_container(const std::string& container, const std::string& wanted) {
  return container == wanted && !container.empty();
}

// Why there are no keys of this image, in a report on something else.
Error about_image(const ImageTrust& image) {
  Error error = *image.error;
  const std::string what = "kernel image " + image.name;
  error.detail = error.detail.empty() ? what : fmt::format("{}: {}", what, error.detail);
  return error;
}

Error about_config(const ConfigFile& file) {
  Error error = with_path(file.config.error(), file.name);
  const std::string what = "kernel configuration " + file.name;
  error.detail = error.detail.empty() ? what : fmt::format("{}: {}", what, error.detail);
  return error;
}

KernelChoice with_version(KernelChoice kernel, std::optional<KernelVersion> version) {
  if (!version) return kernel;
  kernel.id.version = *version;
  kernel.version_assumed = false;
  return kernel;
}

// The releases that an artifact may belong to, the likeliest first.
std::vector<std::string> releases_of(const Examined& artifact) {
  std::vector<std::string> releases;
  const auto add = [&](const std::string& release) {
    if (!release.empty() && std::ranges::find(releases, release) == releases.end())
      releases.push_back(release);
  };
  if (artifact.image) {
    add(release_of_banner(artifact.image->banner).value_or(""));
    return releases;
  }
  if (artifact.folder) add(artifact.folder->release);
  if (artifact.module) add(artifact.module->release());
  return releases;
}

}  // namespace

const Platform& Trust::platform_in(Walk& walk, Platform& own) const {
  if (keys.fixed()) return platform;
  own = platform;
  own.ring(Ring::secondary_trusted_keys) = keys.in(walk);
  return own;
}

bool Trust::is_of_image(const PreparedCertificate& certificate) const {
  return image && std::ranges::any_of(image->certificates,
                                      [&](const auto& one) { return one.get() == &certificate; });
}

KernelChoice kernel_of(const Examined& artifact, std::optional<KernelVersion> version) {
  std::string clue;
  if (artifact.image) {
    clue = artifact.image->banner;
  } else {
    for (const std::string& release : releases_of(artifact))
      if (clue.empty() && find_kernel_version(release)) clue = release;
  }
  const std::optional<Arch> arch = artifact.image    ? artifact.image->arch
                                   : artifact.module ? artifact.module->arch
                                                     : std::nullopt;
  return choose_kernel({clue, arch, version});
}

std::shared_ptr<ImageTrust> read_image_trust(const Examined& artifact, const Content& content,
                                             const ProposeImage& propose, Standing standing) {
  OnListFound on_list_found;
  if (propose)
    on_list_found = [&](const SystemCertificates& list) {
      propose(image_trust(artifact, list, standing));
    };
  return image_trust(artifact, find_system_certificates(content, *artifact.image, on_list_found),
                     standing);
}

Result<std::shared_ptr<ImageTrust>> open_image_trust(const std::string& path) {
  Found found;
  found.name = encode_name(path);
  found.path = path;
  found.inner_name = path;
  std::shared_ptr<ImageTrust> trust;
  const auto examined =
      examine(std::move(found), false, {}, [&](const Examined& artifact, const Content& content) {
        if (artifact.image) trust = read_image_trust(artifact, content);
      });
  if (examined && examined->error) return std::unexpected(*examined->error);
  if (!trust) return std::unexpected(Error{Reason::image_unknown, {}, {}, encode_name(path)});
  return trust;
}

ConfigFile read_config_file(std::string name, std::string container, const Content& content) {
  const auto parse = [&]() -> Result<KernelConfig> {
    if (content.size() > limits::kConfig)
      return fail(Reason::limit_size, {}, "kernel configuration");
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View text, view_of(content, 0, content.size(), scratch));
    return KernelConfig::parse(text.text());
  };
  return {std::move(name), std::move(container), parse()};
}

std::shared_ptr<const ConfigFile> find_config_beside(const ImageTrust& image) {
  if (image.path.empty()) return nullptr;
  for (const std::string& path : config_paths(image.path, image.release)) {
    const auto kind = source_kind(path);
    if (!kind || *kind != SourceKind::file) continue;
    const auto file = open_file(path);
    const std::string name = encode_name(path);
    return std::make_shared<const ConfigFile>(
        file ? read_config_file(name, image.container, **file)
             : ConfigFile{name, image.container, std::unexpected(file.error())});
  }
  return nullptr;
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
  if (!question.prepare || question.releases.empty() ||
      image->release != question.releases.front() ||
      !is_of_container(image->container, question.container))
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

void TrustBook::add_config(const std::string& release, ConfigFile config) {
  const std::lock_guard lock(mutex_);
  configs_.emplace(release, std::make_shared<const ConfigFile>(std::move(config)));
}

bool TrustBook::may_have_module_hashes(const std::string& release) const {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = configs_.equal_range(release);
  return first == last || std::any_of(first, last, [](const auto& entry) {
           const auto& config = entry.second->config;
           return !config || config->is_on("CONFIG_MODULE_HASHES") != Truth::no;
         });
}

void TrustBook::no_more_images() {
  const std::lock_guard lock(mutex_);
  complete_ = true;
  std::erase_if(waiting_, [this](const Question& question) { return try_answer(question); });
}

void TrustBook::find(const Examined& artifact, std::function<void(TrustAnswer)> answer,
                     Prepare prepare) {
  if (options_.is_given()) {
    TrustAnswer found = [&] {
      const std::lock_guard lock(mutex_);
      return option_trust(artifact);
    }();
    answer(std::move(found));
    return;
  }
  Question question;
  question.container = artifact.container;
  question.releases = releases_of(artifact);
  if (artifact.folder) question.root = artifact.folder->root;
  question.answer = std::move(answer);
  question.prepare = std::move(prepare);
  const std::lock_guard lock(mutex_);
  if (try_answer(question)) return;
  for (const auto& proposed : proposed_) prepare_for(proposed, question);
  waiting_.push_back(std::move(question));
}

// The image of the first of the releases that there is one of. Called with the mutex held.
TrustBook::Search TrustBook::search(const Question& question) {
  if (question.releases.empty()) return complete_ ? Search{only_image(question), true} : Search{};
  for (const std::string& release : question.releases)
    if (const Search found = search_release(question, release); found.image || !found.is_over)
      return found;
  return {nullptr, true};
}

// One of the same container; once all images are known, one elsewhere in the run; then those that
// are installed.
TrustBook::Search TrustBook::search_release(const Question& question, const std::string& release) {
  std::vector<std::shared_ptr<const ImageTrust>> here;
  std::vector<std::shared_ptr<const ImageTrust>> elsewhere;
  const auto [first, last] = images_.equal_range(release);
  for (auto at = first; at != last; ++at)
    (is_of_container(at->second->container, question.container) ? here : elsewhere)
        .push_back(at->second);
  if (!complete_) {
    // A file that is where the kernel is installed cannot be outdone. In an archive a later member
    // of the same name may replace it.
    for (const auto& image : here)
      if (!image->path.empty() && place_of(*image, question.root) == ImagePlace::boot_vmlinuz)
        return {image, true};
    return {};
  }
  if (!here.empty()) return {choose_image(here, question.root), true};
  if (!elsewhere.empty()) return {choose_image(elsewhere, question.root), true};
  if (!options_.use_host || !is_plain_release(release)) return {nullptr, true};
  const Place place{question.root, release};
  if (asked_.insert(place).second) run_later_([this, place] { ask_host(place); });
  const auto told = told_.find(place);
  return told == told_.end() ? Search{} : Search{told->second, true};
}

// For what does not say its release: the only kernel in its container, or in the run.
std::shared_ptr<const ImageTrust> TrustBook::only_image(const Question& question) const {
  std::shared_ptr<const ImageTrust> here;
  std::shared_ptr<const ImageTrust> elsewhere;
  bool unique_here = true;
  bool unique = true;
  for (const auto& [release, image] : images_) {
    const bool is_here = is_of_container(image->container, question.container);
    auto& best = is_here ? here : elsewhere;
    if (best && best->release != release) (is_here ? unique_here : unique) = false;
    if (!best || (best->error && !image->error)) best = image;
  }
  if (here) return unique_here ? here : nullptr;
  return unique ? elsewhere : nullptr;
}

// True when the question is answered, or on its way to be. Called with the mutex held: answers are
// queued.
bool TrustBook::try_answer(const Question& question) {
  const Search found = search(question);
  if (!found.image && !found.is_over) return false;
  if (!found.image) {
    std::vector<std::string> names;
    for (const std::string& release : question.releases) names.push_back(encode_name(release));
    const std::string text = names.empty()
                                 ? "the artifact does not say which kernel it was built for"
                                 : fmt::format(
                                       "no kernel image of release {} was found among "
                                       "the paths given, in lib/modules or in boot",
                                       fmt::join(names, " (where it lies) or "));
    const std::string helps = options_.for_package
                                  ? "; name the package, or the folder that has both"
                                  : "; give --kernel IMAGE or --trust CERTIFICATE";
    run_later_([answer = question.answer, text = text + helps] {
      answer(fail(Reason::no_trust, {}, text));
    });
    return true;
  }
  TrustAnswer answer;
  if (!options_.for_package) {
    answer = trust_of(found.image);
  } else if (!complete_ && !found.image->config) {
    return false;  // its configuration may still come
  } else if (auto config = config_of(*found.image, question)) {
    answer = trust_of(found.image, std::move(*config));
  } else {
    answer = std::unexpected(std::move(config).error());
  }
  run_later_([reply = question.answer, answer] { reply(answer); });
  return true;
}

// The configuration beside the image; else of those in the run one in the image's container, in
// the artifact's, anywhere. Nothing where there is none.
Result<std::shared_ptr<const ConfigFile>> TrustBook::config_of(const ImageTrust& image,
                                                               const Question& question) const {
  std::vector<std::shared_ptr<const ConfigFile>> candidates;
  if (image.config) candidates.push_back(image.config);
  const auto [first, last] = configs_.equal_range(image.release);
  const auto take = [&](const auto& is_wanted) {
    if (!candidates.empty()) return;
    for (auto at = first; at != last; ++at)
      if (is_wanted(at->second->container)) candidates.push_back(at->second);
  };
  take([&](const std::string& container) { return is_of_container(container, image.container); });
  take(
      [&](const std::string& container) { return is_of_container(container, question.container); });
  take([](const std::string&) { return true; });
  if (candidates.empty()) return nullptr;
  std::ranges::sort(candidates, {},
                    [](const auto& file) -> const std::string& { return file->name; });
  for (const auto& file : candidates) {
    if (!file->config) return std::unexpected(about_config(*file));
    if (*file->config != *candidates.front()->config)
      return fail(Reason::platform_open, {},
                  fmt::format("kernel configurations {} and {} differ", candidates.front()->name,
                              file->name));
  }
  return candidates.front();
}

void TrustBook::ask_host(const Place& place) {
  const auto& [root, release] = place;
  std::vector<std::string> candidates = image_paths(root, release);
  if (!root.empty()) std::ranges::copy(image_paths("", release), std::back_inserter(candidates));
  std::shared_ptr<const ImageTrust> found;
  for (const std::string& candidate : candidates) {
    const auto image = open_image_trust(candidate);
    if (!image || (*image)->release != release) continue;
    if (options_.for_package) {
      (*image)->config = find_config_beside(**image);
      const auto& config = (*image)->config;
      if (config && config->config && config->config->is_on("CONFIG_MODULE_HASHES") == Truth::yes)
        if (auto hashes = open_module_hashes(candidate, {}))
          (*image)->module_hashes = std::move(*hashes);
    }
    found = *image;
    if (!found->error) break;
  }
  const std::lock_guard lock(mutex_);
  told_.emplace(place, found);
  std::erase_if(waiting_, [this](const Question& question) { return try_answer(question); });
}

TrustAnswer TrustBook::trust_of(const std::shared_ptr<const ImageTrust>& image,
                                std::shared_ptr<const ConfigFile> config) {
  const bool needs_certificates =
      config == nullptr || !config->config || !needs_no_certificates(*config->config);
  if (image->error && (needs_certificates || image->error->reason != Reason::trust_not_found))
    return std::unexpected(about_image(*image));
  auto& trust = by_image_[{image.get(), config.get()}];
  if (!trust) {
    const KernelChoice kernel = with_version(image->kernel, options_.version);
    Platform platform = options_.for_package
                            ? platform_for_package(*image, config.get(), options_.cmdline)
                            : platform_for_verify(kernel.id);
    ASSAY_CHECK(check_command_line(platform));
    ListedCertificates certificates;
    append(certificates, image->certificates, image->name);
    trust = make_trust(kernel, std::move(platform), certificates, image);
  }
  return trust;
}

// The keys of --kernel and those of --trust together, by the rules of --kernel or else of the
// artifact's own kernel.
TrustAnswer TrustBook::option_trust(const Examined& artifact) {
  const KernelChoice kernel = options_.image
                                  ? with_version(options_.image->kernel, options_.version)
                                  : kernel_of(artifact, options_.version);
  auto& trust = by_kernel_[kernel.describe()];
  if (!trust) {
    ListedCertificates certificates;
    if (options_.image) append(certificates, options_.image->certificates, options_.image->name);
    append(certificates, options_.certificates, "--trust");
    trust = make_trust(kernel, platform_for_verify(kernel.id), certificates, options_.image,
                       options_.certificates.size());
  }
  return trust;
}

}  // namespace assay
