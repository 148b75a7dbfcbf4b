#!/usr/bin/env bash
# Microsoft.CodeAnalysis.PublicApiAnalyzers 5.6.0: a space after a comma in skip_namespaces disables the entry behind it, without a warning.
#
# Expected before the run: spaces around the commas of dotnet_public_api_analyzer.skip_namespaces are ignored, as in other lists of .editorconfig.
# Observed: " Shop.Parts" matches no namespace, so its types are reported (RS0016), and nothing says that the entry has no effect. Without the
# space, both namespaces are skipped. A namespace also skips those below it.
#
# Affects: libraries that exclude generated or internal namespaces, for example Razor components, which are always public.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export NUGET_PACKAGES=$folder/packages DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat >Shop.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.CodeAnalysis.PublicApiAnalyzers" Version="5.6.0" PrivateAssets="all" />
    <AdditionalFiles Include="PublicAPI.Shipped.txt;PublicAPI.Unshipped.txt" />
  </ItemGroup>
</Project>
XML
cat >Shop.cs <<'CS'
namespace Shop.Pages { public static class Basket; }
namespace Shop.Parts { public static class Price; }
CS
printf '#nullable enable\n' | tee PublicAPI.Shipped.txt >PublicAPI.Unshipped.txt

cat >expected <<'TEXT'
skip_namespaces = Shop.Pages, Shop.Parts
  RS0016: Shop.Parts.Price
skip_namespaces = Shop.Pages,Shop.Parts
skip_namespaces = Shop
TEXT

dotnet --version
for list in 'Shop.Pages, Shop.Parts' 'Shop.Pages,Shop.Parts' 'Shop'; do
  printf 'root = true\n[*.cs]\ndotnet_public_api_analyzer.skip_namespaces = %s\n' "$list" >.editorconfig
  printf 'skip_namespaces = %s\n' "$list"
  timeout 300 dotnet build -v q --no-incremental --disable-build-servers -p:UseSharedCompilation=false >build.log
  { grep -oE "RS0016: Symbol '[^']*'" build.log || true; } | sort -u | sed -E "s/RS0016: Symbol '(.*)'/  RS0016: \1/"
done >seen
cat seen
diff expected seen
