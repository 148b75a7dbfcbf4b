# One target for each service: docker build --target web . · docker build --target consumers . · docker build --target dead-letters .

# The images have no shell, curl or package manager: for health checks, the services have the option --health. They run as a non-root
# user and write only to /data (databases), /keys (keys that sign forms) and /tmp. The rest of the file system may be read-only.

# Only the files that a restore reads, so that its layer stays cached until one of them changes.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS projects
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src src
RUN find src -type f ! -name '*.csproj' ! -name '*.props' ! -name '*.targets' ! -name packages.lock.json -delete

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /source
COPY --from=projects /source ./
# Compiled ahead of time for the processor of the build machine.
ENV PublishReadyToRun=true
RUN dotnet restore src/Web --locked-mode && dotnet restore src/Consumers --locked-mode && dotnet restore src/Cli --locked-mode && dotnet restore src/DeadLetters.Server --locked-mode
COPY .editorconfig ./
COPY src src
# The version, as in --build-arg VERSION=1.2.3. The build context has no Git history: without the argument, the version is 0.0.0-local.
ARG VERSION=
ENV MinVerVersionOverride=$VERSION
# The operator's command is in Web's image: from there it can reach the broker, the ledger and the audit log, and it shares the libraries.
RUN publish() { dotnet publish "src/$1" -c Release --no-restore --use-current-runtime --no-self-contained -o "$2"; } \
 && publish Web /out/web && publish Cli /out/web && publish Consumers /out/consumers && publish DeadLetters.Server /out/dead-letters
# A new volume gets the owner of the folder it is mounted on.
RUN mkdir -p /out/folders-of-web/data /out/folders-of-web/keys /out/folders-of-consumers/data /out/folders-of-dead-letters/data /out/folders-of-dead-letters/keys

# The -extra variant contains ICU, for international domains in addresses.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS web
WORKDIR /app
COPY --from=build /out/web ./
COPY --from=build --chown=1654:1654 /out/folders-of-web /
USER 1654
EXPOSE 8080
ENTRYPOINT ["dotnet", "WorkinIt.Web.dll"]

# The dead-letter pages for any MassTransit application, without Web.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS dead-letters
WORKDIR /app
COPY --from=build /out/dead-letters ./
COPY --from=build --chown=1654:1654 /out/folders-of-dead-letters /
USER 1654
ENV ConnectionStrings__Catalogue="Data Source=/data/catalogue.db" DataProtection__KeysDirectory=/keys SQLITE_TMPDIR=/data
EXPOSE 8080
ENTRYPOINT ["dotnet", "WorkinIt.DeadLetters.Server.dll"]

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra AS consumers
WORKDIR /app
COPY --from=build /out/consumers ./
COPY --from=build --chown=1654:1654 /out/folders-of-consumers /
USER 1654
EXPOSE 8081
ENTRYPOINT ["dotnet", "WorkinIt.Consumers.dll"]
